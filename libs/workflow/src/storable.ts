/** What Postgres can keep as text and as JSON: everything but the character U+0000 and halves of surrogate pairs. */

export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

export const unstorableParts = 'the character U+0000 or half of a surrogate pair, which cannot be stored';

/** The text with a replacement character for what cannot be stored: for messages that are only read. */
export const storableText = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();
