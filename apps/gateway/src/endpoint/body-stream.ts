import { invalidInput, MillraceError } from '@millrace/kernel';
import type { Readable } from 'node:stream';

export interface BodyLimits {
  readonly maxBytes: number;
  /** How long the body may take to arrive whole, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Reads a body whole. On refusal the stream is left open: destroying it would end the connection before the caller
 * has read why.
 * @throws MillraceError `body_too_large` as soon as it passes the limit, whatever length it announced;
 *   `request_too_slow`; `incomplete_body` where the caller went away in the middle.
 */
export async function readBody(stream: Readable, { maxBytes, timeoutMs }: BodyLimits): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > maxBytes) reject(tooLarge(maxBytes));
    else chunks.push(chunk);
  };
  let isWhole = false;
  const onEnd = (): void => {
    isWhole = true;
    resolve(Buffer.concat(chunks, size));
  };
  // A stream that has ended closes as well.
  const onCut = (cause?: unknown): void => {
    if (!isWhole) reject(incomplete(cause));
  };
  const timer = setTimeout(() => reject(tooSlow(timeoutMs)), timeoutMs);
  stream.on('data', onData).once('end', onEnd).once('error', onCut).once('close', onCut);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    stream.off('data', onData).off('end', onEnd).off('close', onCut);
  }
}

/** Reads a body as UTF-8 text. @throws MillraceError as `readBody` does, `invalid_encoding` for other bytes. */
export async function readText(stream: Readable, limits: BodyLimits): Promise<string> {
  const bytes = await readBody(stream, limits);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalidInput('invalid_encoding', 'The body is not valid UTF-8.');
  }
}

export const incomplete = (cause?: unknown): MillraceError =>
  new MillraceError('invalid', 'incomplete_body', 'The body ended before it was complete.', { cause });

export const tooSlow = (timeoutMs: number): MillraceError =>
  invalidInput('request_too_slow', `The body did not arrive within ${timeoutMs} ms.`);

const tooLarge = (maxBytes: number): MillraceError =>
  new MillraceError('too-large', 'body_too_large', `The body is larger than ${maxBytes} bytes.`);
