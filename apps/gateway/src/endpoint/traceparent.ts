/** W3C trace context, version 00. Zeros name nothing. */
const pattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A header as it is passed on: null where it names no trace. */
export const traceparentIn = (header: unknown): string | null =>
  typeof header === 'string' && pattern.test(header) ? header : null;
