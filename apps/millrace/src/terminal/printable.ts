/**
 * Text of others (documents, file names, a server's messages) made safe for a terminal: what would move the cursor,
 * colour or reverse the text is shown as its number. Lines and tabs stay.
 */
export const printable = (text: string): string => text.replaceAll(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu, escaped);

/** As `printable`, on one line. */
export const printableLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, escaped);

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
