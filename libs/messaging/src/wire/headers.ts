/** Header names on the wire, and what a header may hold. */
import { invalidInput } from '@millrace/kernel';
import type { Headers } from '../bus.js';

export const noHeaders: Headers = Object.freeze({});

/** SHA-256 of the encoded message that was put aside as a blob, in hexadecimal. */
export const claimCheckHeader = 'Millrace-Claim-Check';
/** Its size in bytes. */
export const claimSizeHeader = 'Millrace-Claim-Size';

/** What a dead letter says of itself; readers of `dlq.>` branch on `code`. */
export const deadLetterHeaders = {
  code: 'Millrace-Dead-Letter-Code',
  reason: 'Millrace-Dead-Letter-Reason',
  subject: 'Millrace-Dead-Letter-Subject',
  consumer: 'Millrace-Dead-Letter-Consumer',
  deliveryCount: 'Millrace-Dead-Letter-Delivery-Count',
  stream: 'Millrace-Dead-Letter-Stream',
  sequence: 'Millrace-Dead-Letter-Sequence',
} as const;

const headerName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const reservedName = /^(nats|millrace)-/i;
/** Line breaks would smuggle in further headers; other control characters have no business there. */
const forbiddenInValue = /[\u0000-\u001f\u007f]/;
const maximumHeaderBytes = 16 * 1024;

/** @throws MillraceError `invalid_headers` */
export function checkHeaders(headers: Headers): void {
  let size = 0;
  for (const name in headers) {
    const value = headers[name] ?? '';
    size += name.length + Buffer.byteLength(value);
    if (!headerName.test(name) || reservedName.test(name)) {
      throw invalidInput('invalid_headers', `"${name.slice(0, 100)}" cannot be a header of a message.`);
    }
    if (forbiddenInValue.test(value) || value.trim() !== value) {
      throw invalidInput('invalid_headers', `The header "${name}" holds control characters or outer blanks.`);
    }
  }
  if (size > maximumHeaderBytes) {
    throw invalidInput('invalid_headers', `The headers take ${size} bytes; ${maximumHeaderBytes} are allowed.`);
  }
}

/** A text as a header value: one line, trimmed, cut to the given length. */
export function asHeaderValue(text: string, maximumLength = 1000): string {
  return text
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .slice(0, maximumLength)
    .trim();
}

const isTransports = (name: string): boolean =>
  name === claimCheckHeader || name === claimSizeHeader || name.startsWith('Nats-');

/** The headers as a reader sees them: without what only the transport needs. */
export function readersHeaders(headers: Headers): Headers {
  let kept: Record<string, string> | undefined;
  for (const name in headers) {
    if (!isTransports(name)) (kept ??= {})[name] = headers[name] ?? '';
  }
  return kept ?? noHeaders;
}
