import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MillraceError } from '@millrace/kernel';

export interface SecretKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

export interface SealedSecret {
  /** Which key sealed it. */
  readonly keyId: string;
  /** Nonce, ciphertext and tag, in base64. */
  readonly sealed: string;
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Keeps secrets encrypted with AES-256-GCM. Each is bound to what it is for: sealed for one purpose, it opens for no other.
 * To rotate, put a new key first and keep the old one until nothing is sealed with it.
 */
export class SecretBox {
  /** @param variable what an operator sets to give it keys, for the message where there are none */
  constructor(
    private readonly keys: readonly SecretKey[],
    private readonly variable: string,
  ) {}

  /** Whether something is sealed with the key that seals now. */
  isCurrent({ keyId }: SealedSecret): boolean {
    return this.keys[0]?.id === keyId;
  }

  /** @throws MillraceError `secrets_not_configured` */
  seal(secret: string, purpose: string): SealedSecret {
    const [current] = this.keys;
    if (current === undefined) {
      const message = `This installation has no key to keep secrets with. Its operator sets ${this.variable}.`;
      throw new MillraceError('conflict', 'secrets_not_configured', message);
    }
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, current.key, nonce).setAAD(Buffer.from(purpose));
    const parts = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return { keyId: current.id, sealed: Buffer.concat(parts).toString('base64') };
  }

  /** @throws MillraceError `secret_unreadable` where the key is gone, the text was changed, or it was sealed for something else. */
  open({ keyId, sealed }: SealedSecret, purpose: string): string {
    const key = this.keys.find(({ id }) => id === keyId);
    const bytes = Buffer.from(sealed, 'base64');
    if (key === undefined || bytes.length < nonceBytes + tagBytes) throw unreadable();
    const decipher = createDecipheriv(algorithm, key.key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-tagBytes));
    try {
      return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw unreadable();
    }
  }
}

const unreadable = (): MillraceError =>
  new MillraceError('unavailable', 'secret_unreadable', 'A stored secret cannot be read. Set it again.', {
    retryable: false,
  });
