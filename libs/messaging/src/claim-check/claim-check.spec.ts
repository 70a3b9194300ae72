import { describe, expect, it } from '@jest/globals';
import { sha256Hex } from '@millrace/kernel';
import fc from 'fast-check';
import { codeOf } from '../conformance/bus-world.js';
import { claimCheckHeader, claimSizeHeader } from '../wire/headers.js';
import type { BlobStore } from './blob-store.js';
import { checkIn, claimCheckBytes, isClaim, needsClaimCheck, redeem } from './claim-check.js';

function rememberingBlobs(): BlobStore & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    put: (sha256, content) => Promise.resolve(void kept.set(sha256, content)),
    get: (sha256) => Promise.resolve(kept.get(sha256)),
  };
}

describe('the claim check', () => {
  it('gives back exactly the bytes that were put aside, and keeps the other headers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.string(), async (bytes, note) => {
        const blobs = rememberingBlobs();
        const parcel = await checkIn(blobs, bytes, { note });
        expect(isClaim(parcel.headers)).toBe(true);
        expect(parcel.headers.note).toBe(note);
        expect(parcel.payload).toHaveLength(0);
        expect(await redeem(blobs, parcel.headers)).toEqual(bytes);
      }),
    );
  });

  it('is for what is larger than its size, and nothing else', () => {
    expect(needsClaimCheck(new Uint8Array(claimCheckBytes))).toBe(false);
    expect(needsClaimCheck(new Uint8Array(claimCheckBytes + 1))).toBe(true);
  });

  it('finds missing and damaged blobs, retryably', async () => {
    const blobs = rememberingBlobs();
    const { headers } = await checkIn(blobs, Buffer.from('content'));
    blobs.kept.set(sha256Hex('content'), Buffer.from('CONTENT'));
    await expect(redeem(blobs, headers)).rejects.toMatchObject({ code: 'blob_missing', retryable: true });
    blobs.kept.clear();
    await expect(redeem(blobs, headers)).rejects.toMatchObject({ code: 'blob_missing', retryable: true });
  });

  it('refuses references that nobody wrote', async () => {
    const blobs = rememberingBlobs();
    const sha256 = sha256Hex('x');
    for (const [name, size] of [
      ['../../etc/passwd', '1'],
      [sha256.toUpperCase(), '1'],
      [sha256, '-1'],
      [sha256, '1e99'],
      [sha256, '99999999999'],
      [sha256, 'many'],
    ] as const) {
      const headers = { [claimCheckHeader]: name, [claimSizeHeader]: size };
      expect([name, size, await codeOf(redeem(blobs, headers))]).toEqual([name, size, 'invalid_message']);
    }
  });
});
