/**
 * A cache: never the truth, only a shorter way to it. What every adapter holds:
 *
 * 1. Concurrent loads of one key in one process run `load` once.
 * 2. What `load` throws reaches the caller as it was, and is not cached.
 * 3. A value is at most `ttlMs` old, whatever happens, and after `delete` it is gone from this process at once.
 * 4. Keys of one tenant never meet those of another.
 * 5. A store that is slow, gone or full of nonsense costs a `load`, never an error and never a hang.
 */
import type { JsonValue } from '@millrace/kernel';

export interface CacheKey {
  readonly tenantId: string;
  /** What is cached, without the tenant: `api-key:abc`. */
  readonly name: string;
}

export interface Cache {
  /** The cached value, else what `load` gives, kept for `ttlMs` milliseconds. Treat it as read-only. */
  getOrLoad<Value extends JsonValue>(key: CacheKey, ttlMs: number, load: () => Promise<Value>): Promise<Value>;
  /** Forgets a value. Other processes may go on with theirs until it is `ttlMs` old. */
  delete(key: CacheKey): Promise<void>;
  close(): Promise<void>;
}
