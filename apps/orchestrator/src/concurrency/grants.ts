/** Who of those that wait has room, pure. */
export interface WaitingRequest {
  readonly runId: string;
  readonly node: string;
  readonly attempt: number;
  readonly partition: number;
  readonly keys: readonly string[];
  /** `limits[i]` is how many may hold `keys[i]`. */
  readonly limits: readonly number[];
}

/**
 * Grants in the order given: whoever finds room at every key gets it, all keys at once, so that nobody holds one while waiting for
 * another. `held` says how many hold each key.
 */
export function grantable<Request extends WaitingRequest>(
  waiting: readonly Request[],
  held: ReadonlyMap<string, number>,
): Request[] {
  const holders = new Map(held);
  return waiting.filter(({ keys, limits }) => {
    const hasRoom = keys.every((key, index) => (holders.get(key) ?? 0) < (limits[index] ?? 0));
    if (hasRoom) for (const key of keys) holders.set(key, (holders.get(key) ?? 0) + 1);
    return hasRoom;
  });
}
