/** The cells of a database's metrics, found once for each service that uses one. */
import { MillraceError, type ErrorKind } from '@millrace/kernel';
import {
  databaseOperationDuration,
  overloadRefusals,
  poolConnections,
  poolMax,
  poolPendingRequests,
  poolTimeouts,
  poolWaitTime,
  type HistogramCell,
} from '@millrace/telemetry';
import { types } from 'node:util';

export type Operation = 'tenant-transaction' | 'service-transaction' | 'statement';

const labelsOf = (pool: string) => ({ 'db.client.connection.pool.name': pool }) as const;

/** How long the operations of one service take, and how they fail. */
export class OperationMeter {
  private readonly succeeded: Readonly<Record<Operation, Pick<HistogramCell, 'record'>>>;
  private readonly timeouts;
  private readonly refusals = overloadRefusals.at({ 'millrace.queue': 'database' });

  constructor(private readonly pool: string) {
    this.timeouts = poolTimeouts.at(labelsOf(pool));
    this.succeeded = {
      'tenant-transaction': this.cellOf('tenant-transaction', ''),
      'service-transaction': this.cellOf('service-transaction', ''),
      statement: this.cellOf('statement', ''),
    };
  }

  done(operation: Operation, beganAt: number): void {
    this.succeeded[operation].record((performance.now() - beganAt) / 1000);
  }

  failed(operation: Operation, beganAt: number, error: unknown): void {
    this.cellOf(operation, failureOf(error)).record((performance.now() - beganAt) / 1000);
    if (!(error instanceof MillraceError) || error.code !== 'database_overloaded') return;
    this.timeouts.add(1);
    this.refusals.add(1);
  }

  private cellOf(operation: Operation, errorType: '' | ErrorKind): Pick<HistogramCell, 'record'> {
    const labels = { ...labelsOf(this.pool), 'db.operation.name': operation, 'error.type': errorType };
    return databaseOperationDuration.at(labels);
  }
}

/** What the database did wrong. What the work inside a transaction threw for reasons of its own is no failure of the database. */
function failureOf(error: unknown): '' | ErrorKind {
  if (error instanceof MillraceError) return error.code.startsWith('database_') ? error.kind : '';
  return types.isNativeError(error) && 'code' in error ? 'internal' : '';
}

/** A pool, as far as its metrics go. */
interface CountedPool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly options: { readonly max?: number | undefined };
}

/** Shows a pool of connections until the function that is returned is called. */
export function measurePool(name: string, pool: CountedPool): () => void {
  const labels = labelsOf(name);
  const stops = [
    poolConnections.observe(() => [
      { labels: { ...labels, 'db.client.connection.state': 'idle' }, value: pool.idleCount },
      { labels: { ...labels, 'db.client.connection.state': 'used' }, value: pool.totalCount - pool.idleCount },
    ]),
    poolMax.observe(() => [{ labels, value: pool.options.max ?? 10 }]),
    poolPendingRequests.observe(() => [{ labels, value: pool.waitingCount }]),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Where waits for a connection are recorded, in seconds. */
export const waitCell = (pool: string): Pick<HistogramCell, 'record'> => poolWaitTime.at(labelsOf(pool));
