import { invalidInput } from '@millrace/kernel';

/**
 * The name under which a document is kept: a relative path with slashes, as the caller gave it. It is a label, never a
 * place in a file system, and must not look like a way out of one for whoever reads it later.
 * @throws MillraceError `invalid_source`.
 */
export function sourceNameOf(given: string): string {
  const source = given.normalize('NFC');
  const segments = source.split('/');
  const isStrange = /[\\\u0000-\u001f\u007f]/.test(source) || /^[a-z]:/i.test(source);
  if (source === '' || source.length > 1_000 || isStrange || segments.some((part) => ['', '.', '..'].includes(part))) {
    const shown = JSON.stringify(given.slice(0, 100));
    throw invalidInput(
      'invalid_source',
      `${shown} cannot name a document. Use a relative path such as "guides/start.md".`,
    );
  }
  return source;
}
