import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SecretBox } from './secret-box.js';

const key = (id: string) => ({ id, key: randomBytes(32) });
const [first, second] = [key('first'), key('second')];
const box = new SecretBox([first], 'MILLRACE_TEST_SECRET_KEYS');
const failure = expect.objectContaining({ code: 'secret_unreadable' }) as unknown;

describe('the box of secrets', () => {
  it('gives back what was put in, for the same purpose only', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (secret, purpose, other) => {
        const sealed = box.seal(secret, purpose);
        expect(box.open(sealed, purpose)).toBe(secret.toWellFormed());
        if (other.toWellFormed() !== purpose.toWellFormed()) expect(() => box.open(sealed, other)).toThrow(failure);
      }),
    );
  });

  it('seals nothing twice in the same way, and shows nothing of it', () => {
    const [left, right] = [box.seal('sk-canary', 'a'), box.seal('sk-canary', 'a')];
    expect(left.sealed).not.toBe(right.sealed);
    expect(Buffer.from(left.sealed, 'base64').toString('latin1')).not.toContain('canary');
  });

  it('opens nothing that was changed', () => {
    const { keyId, sealed } = box.seal('sk-canary', 'a');
    const bytes = Buffer.from(sealed, 'base64');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(() => box.open({ keyId, sealed: changed.toString('base64') }, 'a')).toThrow(failure);
      }),
    );
    for (const cut of ['', 'AAAA', sealed.slice(0, 20)])
      expect(() => box.open({ keyId, sealed: cut }, 'a')).toThrow(failure);
  });

  it('opens what an older key sealed, until that key is gone', () => {
    const sealed = box.seal('sk-canary', 'a');
    const rotated = new SecretBox([second, first], 'MILLRACE_TEST_SECRET_KEYS');
    expect(rotated.open(sealed, 'a')).toBe('sk-canary');
    expect([rotated.isCurrent(sealed), box.isCurrent(sealed)]).toEqual([false, true]);
    expect(() => new SecretBox([second], 'MILLRACE_TEST_SECRET_KEYS').open(sealed, 'a')).toThrow(failure);
  });

  it('seals nothing without a key', () => {
    const refusal = { code: 'secrets_not_configured', message: expect.stringContaining('MILLRACE_TEST_SECRET_KEYS') };
    expect(() => new SecretBox([], 'MILLRACE_TEST_SECRET_KEYS').seal('x', 'a')).toThrow(
      expect.objectContaining(refusal),
    );
  });
});
