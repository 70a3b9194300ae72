import { createHash, randomBytes } from 'node:crypto';

const spanIdBytes = 8;
const traceIdBytes = 16;
let chosen: string | undefined;

/** Random ids, except where the id of the next span has been chosen. */
export const idGenerator = {
  generateTraceId: (): string => randomBytes(traceIdBytes).toString('hex'),
  generateSpanId(): string {
    const id = chosen ?? randomBytes(spanIdBytes).toString('hex');
    chosen = undefined;
    return id;
  },
};

/** Makes the span that `start` starts have this id. */
export function withSpanId<Result>(id: string | undefined, start: () => Result): Result {
  chosen = id;
  try {
    return start();
  } finally {
    chosen = undefined;
  }
}

/** A span id that follows from what the span is about, so that others can link to it without having met it. */
export const derivedSpanId = (...parts: readonly (string | number)[]): string =>
  createHash('sha256')
    .update(parts.join('\n'))
    .digest('hex')
    .slice(0, 2 * spanIdBytes);
