/**
 * The claim check: what is too large for a message is put aside as a blob and travels as a reference in the headers.
 * Neither sender nor handler notices.
 */
import { MillraceError, sha256Hex } from '@millrace/kernel';
import type { Headers } from '../bus.js';
import { claimCheckHeader, claimSizeHeader, noHeaders } from '../wire/headers.js';
import { maximumMessageBytes } from '../wire/envelope.js';
import type { BlobStore } from './blob-store.js';

/** Encoded messages beyond this many bytes are put aside. */
export const claimCheckBytes = 256 * 1024;

export interface Parcel {
  readonly payload: Uint8Array;
  readonly headers: Headers;
}

const empty = new Uint8Array(0);
const sha256Pattern = /^[0-9a-f]{64}$/;

export const needsClaimCheck = (payload: Uint8Array): boolean => payload.byteLength > claimCheckBytes;

export const isClaim = (headers: Headers): boolean => headers[claimCheckHeader] !== undefined;

/** @throws MillraceError `blob_unavailable` when the store cannot take it. */
export async function checkIn(blobs: BlobStore, payload: Uint8Array, headers: Headers = noHeaders): Promise<Parcel> {
  const sha256 = sha256Hex(payload);
  try {
    await blobs.put(sha256, payload);
  } catch (error) {
    throw unavailable('The payload could not be put aside.', error);
  }
  return {
    payload: empty,
    headers: { ...headers, [claimCheckHeader]: sha256, [claimSizeHeader]: String(payload.byteLength) },
  };
}

/**
 * The bytes behind a reference, checked against it.
 * @throws MillraceError `blob_missing`, `blob_unavailable` (both retryable), `invalid_message` for a malformed reference.
 */
export async function redeem(blobs: BlobStore | undefined, headers: Headers): Promise<Uint8Array> {
  if (blobs === undefined) {
    throw new MillraceError('unavailable', 'blob_unavailable', 'This bus has no store for payloads.');
  }
  const sha256 = headers[claimCheckHeader] ?? '';
  const size = Number(headers[claimSizeHeader]);
  if (!sha256Pattern.test(sha256) || !Number.isSafeInteger(size) || size < 0 || size > maximumMessageBytes) {
    throw new MillraceError('invalid', 'invalid_message', 'The reference to the payload is malformed.');
  }
  let content: Uint8Array | undefined;
  try {
    content = await blobs.get(sha256);
  } catch (error) {
    throw unavailable('The payload could not be fetched.', error);
  }
  if (content === undefined || content.byteLength !== size || sha256Hex(content) !== sha256) {
    const state = content === undefined ? 'gone' : 'damaged';
    throw new MillraceError('unavailable', 'blob_missing', `The payload ${sha256} (${size} bytes) is ${state}.`);
  }
  return content;
}

/** A message ready to travel: as it is, at once, or put aside first. Without a store nothing is put aside. */
export function pack(
  blobs: BlobStore | undefined,
  payload: Uint8Array,
  headers: Headers = noHeaders,
): Parcel | Promise<Parcel> {
  return blobs !== undefined && needsClaimCheck(payload) ? checkIn(blobs, payload, headers) : { payload, headers };
}

/**
 * Gives the payload to `read`, at once or, where it must be fetched first, when the promise resolves. What fails, `read`
 * included, goes to `fail`; nothing is thrown.
 */
export function unpack(
  blobs: BlobStore | undefined,
  parcel: Parcel,
  read: (payload: Uint8Array) => void,
  fail: (error: unknown) => void,
): Promise<void> | undefined {
  if (isClaim(parcel.headers)) return redeem(blobs, parcel.headers).then(read).catch(fail);
  try {
    read(parcel.payload);
  } catch (error) {
    fail(error);
  }
  return undefined;
}

/** The payload, fetched where it must be. @throws as `redeem` */
export const payloadOf = (blobs: BlobStore | undefined, parcel: Parcel): Uint8Array | Promise<Uint8Array> =>
  isClaim(parcel.headers) ? redeem(blobs, parcel.headers) : parcel.payload;

function unavailable(message: string, cause: unknown): MillraceError {
  return cause instanceof MillraceError
    ? cause
    : new MillraceError('unavailable', 'blob_unavailable', message, { cause });
}
