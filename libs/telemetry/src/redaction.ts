/**
 * Keeps secrets out of logs and of whatever else leaves the process as text. Two nets, because each has holes:
 *
 * 1. by key: the value under a name such as `authorization`, `apiKey` or `db_password` goes, at any depth, also where
 *    names and values alternate in a list (raw HTTP headers);
 * 2. by value: what looks like a secret goes wherever it stands: our API keys, provider keys, bearer tokens, passwords
 *    in addresses, `password=…` in a sentence.
 *
 * It hides too much rather than too little.
 */
const redacted = '[redacted]';

const secretEndings = [
  'authorization',
  'cookie',
  'password',
  'passwd',
  'passphrase',
  'secret',
  'token',
  'apikey',
  'accesskey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'credential',
  'credentials',
  'connectionstring',
];

/** Whether a value under this name must not be shown. Case, dashes and underscores do not matter; `maxTokens` is no secret. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return secretEndings.some((ending) => plain.endsWith(ending));
}

const secretName = 'password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key';

/**
 * Each pattern keeps what its first group matched and hides the rest. Repetitions that can begin anywhere are bounded, so
 * that the time grows with the text and no faster.
 */
const secretPatterns: readonly RegExp[] = [
  // Authorization and cookie headers, to the end of the line.
  /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:[a-z]+\s+)?)[^\s"',;]+/gi,
  /\b((?:set-)?cookie["']?\s*[:=]\s*["']?)[^\r\n"']+/gi,
  /\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}/gi,
  // user:password@ in an address.
  /(:\/\/[^\s:/?#@"']{0,256}:)[^\s"']{1,256}(?=@)/g,
  // name=value and name: value, in queries, connection strings and JSON inside text.
  new RegExp(String.raw`((?:${secretName})\\?["']?\s*[:=]\s*)(?:\\?"[^"\\]*\\?"|'[^']*'|[^\s"',;&}\])]+)`, 'gi'),
  // Millrace API keys, and the keys of model providers and code hosts.
  /\b()mr_[A-Za-z0-9_-]{8,}/g,
  /\b()(?:sk|pk|rk|xai|gsk)[-_][A-Za-z0-9_-]{8,}/g,
  /\b()(?:gh[pousr]_|github_pat_|xox[abprs]-|AIza|AKIA)[A-Za-z0-9_-]{8,}/g,
  /\b()eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g,
];

/** The text without what looks like a secret. */
export function redactText(text: string): string {
  let result = text;
  for (const pattern of secretPatterns) result = result.replace(pattern, `$1${redacted}`);
  return result;
}

/** A copy of a JSON value without its secrets. */
export function redactJson(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return redactList(value);
  if (typeof value !== 'object' || value === null) return value;
  if ('type' in value && value.type === 'Buffer' && 'data' in value) return '[binary]';
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      isSecretName(key) && hidesSomething(item) ? redacted : redactJson(item),
    ]),
  );
}

const hidesSomething = (value: unknown): boolean => value !== null && value !== undefined && typeof value !== 'boolean';

function redactList(list: readonly unknown[]): unknown[] {
  return list.map((item, index) => {
    const before: unknown = index > 0 ? list[index - 1] : undefined;
    const isValueOfSecret = typeof before === 'string' && before.length <= 64 && isSecretName(before);
    return isValueOfSecret && typeof item === 'string' ? redacted : redactJson(item);
  });
}

/** One line of JSON without its secrets; a line that is not JSON is treated as text. */
export function redactLine(line: string): string {
  try {
    return `${JSON.stringify(redactJson(JSON.parse(line)))}\n`;
  } catch {
    return redactText(line);
  }
}
