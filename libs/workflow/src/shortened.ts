/** A text of at most so many characters, with an ellipsis where it was longer. */
export const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
