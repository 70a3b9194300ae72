/** Where payloads wait that are too large for a message. Content-addressed: the same bytes are stored once. */
export interface BlobStore {
  /** Stores bytes under their SHA-256 (hexadecimal). Again is harmless and begins their time anew. */
  put(sha256: string, content: Uint8Array): Promise<void>;
  /** Undefined when there is no such blob, or it is older than the store keeps. */
  get(sha256: string): Promise<Uint8Array | undefined>;
}
