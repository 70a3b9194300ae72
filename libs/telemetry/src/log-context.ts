import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line says of the work it belongs to. */
export interface LogContext {
  /** The id of the request that began it all, the same in every service. */
  readonly correlationId?: string;
  readonly tenantId?: string;
  readonly messageId?: string;
  readonly runId?: string;
  readonly node?: string;
}

const storage = new AsyncLocalStorage<LogContext>();

/** Runs `work`; lines that it or anything it awaits logs carry the context, on top of the one around it. */
export function withLogContext<Result>(context: LogContext, work: () => Result): Result {
  return storage.run({ ...storage.getStore(), ...context }, work);
}

/** The context of the work that is running now; empty outside any. */
export const currentLogContext = (): LogContext => storage.getStore() ?? {};
