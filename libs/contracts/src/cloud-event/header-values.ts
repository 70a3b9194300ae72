/**
 * Attributes of CloudEvents as values of NATS headers: percent-encoded where they are not printable ASCII, as section 3.1.3.2 of
 * the NATS protocol binding says (the same as that of HTTP).
 */
import { invalidInput } from '@millrace/kernel';

/** Printable ASCII but for the double quote and the percent sign, which is what needs no encoding. */
const plain = /^[!#$&-~]*$/;
const toEncode = /[^!#$&-~]/gu;

export const encodeHeaderValue = (text: string): string =>
  plain.test(text) ? text : text.replaceAll(toEncode, percentEncoded);

const percentEncoded = (character: string): string =>
  [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/**
 * Also reads what older producers wrote: values in double quotes, and blanks as they are.
 * @throws MillraceError `invalid_attribute` for percent signs that encode no UTF-8
 */
export function decodeHeaderValue(value: string): string {
  const unquoted = /^".*"$/s.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : value;
  if (!unquoted.includes('%')) return unquoted;
  try {
    return unquoted.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, decodeURIComponent);
  } catch {
    throw invalidInput('invalid_attribute', 'An attribute of the event is not UTF-8.');
  }
}
