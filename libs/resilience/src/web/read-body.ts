/** Reads the body of a response to its end, decoded, and no further than it may be long. */
import { MillraceError } from '@millrace/kernel';
import type { IncomingMessage } from 'node:http';
import { pipeline, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { webError } from './web-error.js';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** @throws MillraceError `response_too_large`, `invalid_response`, `unreachable` */
export async function readBody(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const announced = Number(response.headers['content-length']);
  if (announced > maxBytes) {
    response.destroy();
    throw tooLarge(maxBytes);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of decoded(response)) {
      bytes += (chunk as Buffer).length;
      // The loop ends the stream, and that the connection.
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    response.destroy();
    throw webError(error, signal);
  }
  return Buffer.concat(chunks);
}

function decoded(response: IncomingMessage): AsyncIterable<unknown> {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return response;
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding]?.() : undefined;
  if (decoder === undefined)
    throw new MillraceError('unsupported', 'invalid_response', 'The answer is encoded in a way that nobody asked for.');
  return pipeline(response, decoder, () => undefined);
}

const tooLarge = (maxBytes: number): MillraceError =>
  new MillraceError('too-large', 'response_too_large', `The answer has more than ${maxBytes} bytes.`);
