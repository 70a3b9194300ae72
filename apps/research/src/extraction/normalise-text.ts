/** The one place where text changes before it becomes a snapshot: line ends, Unicode form, and what no database can hold. */
export function normaliseText(text: string): string {
  const withoutMark = text.startsWith('\ufeff') ? text.slice(1) : text;
  return withoutMark.replace(/\r\n?/g, '\n').replaceAll('\0', '').toWellFormed().normalize('NFC');
}
