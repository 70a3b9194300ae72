/**
 * Publishes what the outbox holds.
 *
 * 1. A row goes only after the bus has stored its message. A crash in between publishes it again with the same id, which
 *    the bus stores once; after its window the consumers' inbox absorbs it.
 * 2. Relays of several replicas share the work: each skips what another one holds.
 * 3. A row that fails waits on its own, with backoff; one that can never succeed is parked with its reason. Its neighbours go on.
 * 4. While the bus is away nothing is counted against any row.
 */
import type { Database } from '@millrace/database';
import { toMillraceError, type MillraceError } from '@millrace/kernel';
import type { MessageBus } from '../bus.js';
import { backoffMs } from '../consuming/settlement.js';
import type { ReportProblem } from '../problem.js';
import { measureOutbox } from './outbox-metrics.js';
import { recordFailures, removePublished, takeDue, type OutboxFailure, type OutboxRow } from './outbox.store.js';

export interface OutboxRelayOptions<Tables> {
  readonly database: Pick<Database<Tables>, 'asService'>;
  readonly bus: Pick<MessageBus, 'publish'>;
  readonly onProblem?: ReportProblem;
  /** Default 200. */
  readonly batchSize?: number;
  /** How often to look when nobody wakes it, in milliseconds. Default 1,000. */
  readonly pollIntervalMs?: number;
}

/** The transport is away: no row is to blame. */
const awayCodes: ReadonlySet<string> = new Set(['bus_unavailable', 'bus_closed', 'bus_overloaded']);

type Outcome = { readonly row: OutboxRow; readonly error?: MillraceError };

export class OutboxRelay<Tables> {
  private readonly batchSize: number;
  private readonly pollIntervalMs: number;
  private readonly report: ReportProblem;
  private running: Promise<void> | undefined;
  private stopMeasuring: (() => void) | undefined;
  private stopping = false;
  private awake = false;
  private rouse: (() => void) | undefined;

  constructor(private readonly options: OutboxRelayOptions<Tables>) {
    this.batchSize = options.batchSize ?? 200;
    this.pollIntervalMs = options.pollIntervalMs ?? 1_000;
    this.report = options.onProblem ?? (() => undefined);
  }

  start(): void {
    this.stopMeasuring ??= measureOutbox(this.options.database);
    this.running ??= this.run();
  }

  /** Says that something was committed. */
  wake(): void {
    this.awake = true;
    this.rouse?.();
  }

  /** Finishes the batch in hand. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.rouse?.();
    this.stopMeasuring?.();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.awake = false;
      let goOn = false;
      try {
        goOn = await this.relayBatch();
      } catch (cause) {
        this.report({ code: 'outbox_failed', message: 'The outbox could not be relayed; trying again.', cause });
        this.awake = false;
      }
      if (!goOn) await this.rest();
    }
  }

  private rest(): Promise<void> {
    if (this.awake || this.stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.rouse?.(), this.pollIntervalMs);
      timer.unref();
      this.rouse = () => {
        clearTimeout(timer);
        this.rouse = undefined;
        resolve();
      };
    });
  }

  /** Whether there may be more to do at once. */
  private relayBatch(): Promise<boolean> {
    return this.options.database.asService(async (transaction) => {
      const rows = await takeDue(transaction, this.batchSize);
      const outcomes = await Promise.all(rows.map((row) => this.publish(row)));
      await removePublished(
        transaction,
        outcomes.filter(({ error }) => error === undefined).map(({ row }) => row),
      );
      const away = outcomes.filter(({ error }) => error !== undefined && awayCodes.has(error.code));
      if (away.length > 0) {
        const message = `${away.length} messages wait in the outbox.`;
        this.report({ code: 'outbox_waits', message, cause: away[0]?.error });
      }
      await recordFailures(
        transaction,
        outcomes.flatMap((outcome) => this.failureOf(outcome)),
      );
      return rows.length === this.batchSize && away.length === 0;
    });
  }

  private async publish(row: OutboxRow): Promise<Outcome> {
    try {
      await this.options.bus.publish({ subject: row.subject, envelope: row.envelope, headers: row.headers });
      return { row };
    } catch (error) {
      return { row, error: toMillraceError(error) };
    }
  }

  private failureOf({ row, error }: Outcome): OutboxFailure[] {
    if (error === undefined || awayCodes.has(error.code)) return [];
    const { tenant_id, id, subject } = row;
    if (!error.retryable) {
      const message = `The outbox message ${id} of ${tenant_id} cannot be published and is parked: ${error.message}`;
      this.report({ code: 'outbox_message_parked', message, subject, cause: error });
    }
    const retryAfterMs = error.retryable ? backoffMs(row.attempts + 1) : undefined;
    return [{ tenant_id, id, error: error.toShape(), retryAfterMs }];
  }
}
