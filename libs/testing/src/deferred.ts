/** A promise that the test settles by hand, to hold work at a chosen point. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(reason: unknown): void;
}

/** @example const gate = deferred(); start(() => gate.promise); …; gate.resolve(); */
export function deferred<Value = void>(): Deferred<Value> {
  return Promise.withResolvers<Value>();
}
