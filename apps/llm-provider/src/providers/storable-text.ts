/** Without what no database stores and no reader sees: NUL characters and halves of surrogate pairs. */
export const storableText = (text: string): string => text.replaceAll('\0', '').toWellFormed();
