const oldest = [22, 15] as const;

/** What to tell somebody whose Node is too old to run Millrace, or undefined. Must itself run on an old one. */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return `Millrace needs Node.js ${oldest.join('.')} or later; this is ${version}. Run it through npm, which brings its own on most platforms, or update Node.js.`;
}
