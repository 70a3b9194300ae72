/** Names the character that keeps a text from being a name: an `а` that is no `a` cannot be seen. */

/** Where a text holds what no name holds and no reader sees, which character it is; else nothing. */
export function lookAlikeIn(text: string): string {
  const odd = /[^\x20-\x7e]/u.exec(text)?.[0].codePointAt(0);
  return odd === undefined ? '' : ` It holds the character U+${odd.toString(16).toUpperCase().padStart(4, '0')}.`;
}

/** The same of the text at a pointer into a document. */
export function lookAlikeAt(document: unknown, pointer: string): string {
  let value = document;
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const holds = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    value = holds ? (value as Record<string, unknown>)[key] : undefined;
  }
  const hint = typeof value === 'string' ? lookAlikeIn(value) : '';
  return hint === '' ? '' : `.${hint}`;
}
