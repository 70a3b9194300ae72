/**
 * API keys: `mr_<id>_<secret>`, the secret 256 random bits. The id finds the key's row; the hash of the whole key
 * proves it. A plain SHA-256 is enough: slow hashes guard guessable passwords, and nobody guesses 256 random bits.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const idLength = 12;
/** 62^43 is the first power above 2^256. */
const secretLength = 43;
const keyPattern = new RegExp(`^mr_([0-9A-Za-z]{${idLength}})_[0-9A-Za-z]{${secretLength}}$`);

export interface NewApiKey {
  readonly id: string;
  /** The whole key, to be shown once. */
  readonly secret: string;
  readonly secretSha256: string;
}

export function generateApiKey(): NewApiKey {
  const id = base62(randomBytes(8), idLength);
  const secret = `mr_${id}_${base62(randomBytes(32), secretLength)}`;
  return { id, secret, secretSha256: hashOf(secret) };
}

/** The id inside a presented key; null for what is no key of ours, which needs no look at the database. */
export function apiKeyIdOf(presented: string): string | null {
  return keyPattern.exec(presented)?.[1] ?? null;
}

/** Whether a presented key has this hash, in constant time. */
export function isKeyOf(presented: string, secretSha256: string): boolean {
  const actual = Buffer.from(hashOf(presented), 'hex');
  const expected = Buffer.from(secretSha256, 'hex');
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

const hashOf = (key: string): string => createHash('sha256').update(key, 'utf8').digest('hex');

function base62(bytes: Buffer, length: number): string {
  let rest = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (; rest > 0n; rest /= 62n) text = (alphabet[Number(rest % 62n)] ?? '') + text;
  return text.padStart(length, '0');
}
