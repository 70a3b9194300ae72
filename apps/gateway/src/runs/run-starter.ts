import { type BodyOf, forkRun, type MessageContext, type Run, type routes, startRun } from '@millrace/contracts';
import { MillraceError, newId, sha256Hex } from '@millrace/kernel';
import { CONFIG, LOGGER } from '@millrace/service';
import { idempotencyClaims, type Logger } from '@millrace/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import canonicalize from 'canonicalize';
import { CommandSender } from '../commands/command-sender.js';
import type { GatewayConfig } from '../config.js';
import { permissionOf } from '../idempotency/claim.js';
import { IdempotencyStore, type RecordOfRun } from '../idempotency/idempotency.store.js';

/** How a request starts a run: by a graph, or at a node of another run. */
export type Beginning =
  | { readonly kind: 'start'; readonly body: BodyOf<typeof routes.startRun> }
  | { readonly kind: 'fork'; readonly parent: string; readonly body: BodyOf<typeof routes.forkRun> };

export interface StartRequest {
  readonly beginning: Beginning;
  readonly idempotencyKey: string | undefined;
  readonly traceparent: string | undefined;
  readonly context: MessageContext;
  /** Told which run it will be, just before it is sent; not where an earlier answer is given again. */
  readonly beforeSending?: (runId: string) => void;
}

export interface StartedRun {
  readonly run: Run;
  /** Whether an earlier request with this key made it. */
  readonly replayed: boolean;
  /** Resolves when the answer is kept for a repeat, which must be before it is given. @throws what the database does */
  readonly kept: Promise<void>;
}

/** Starts runs, once for each `Idempotency-Key`. */
@Injectable()
export class RunStarter {
  constructor(
    @Inject(CommandSender) private readonly commands: CommandSender,
    @Inject(IdempotencyStore) private readonly records: IdempotencyStore,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * @throws MillraceError what the orchestrator refuses with; `idempotency_key_reused`, `idempotency_key_in_flight`.
   */
  async start(request: StartRequest): Promise<StartedRun> {
    const { idempotencyKey: key, context } = request;
    const newRunId = newId('run');
    if (key === undefined) return { run: await this.send(newRunId, request), replayed: false, kept: nothingToKeep };
    const { tenantId } = context;
    const bodySha256 = bodyHashOf(request.beginning);
    const leaseMs = this.config.idempotencyLeaseMs;
    const claim = await this.records.claim({ tenantId, key, bodySha256, runId: newRunId, leaseMs });
    idempotencyClaims.at({ 'millrace.claim': claim.kind }).add(1);
    const permission = permissionOf(claim, newRunId);
    if ('replay' in permission) return { run: permission.replay, replayed: true, kept: nothingToKeep };
    const record: RecordOfRun = { tenantId, key, bodySha256, runId: permission.runId };
    const run = await this.sendOnce(record, request);
    const kept = this.keep(record, run);
    // Whoever waits for the run to end hears of a failure afterwards.
    kept.catch(() => undefined);
    return { run, replayed: claim.kind === 'take-over', kept };
  }

  private async sendOnce(record: RecordOfRun, request: StartRequest): Promise<Run> {
    try {
      return await this.send(record.runId, request);
    } catch (error) {
      // A refusal means that nothing was stored. Anything else may have arrived: the next request sends the same id.
      const isRefusal = error instanceof MillraceError && !error.retryable && error.kind !== 'internal';
      await this.settle(isRefusal ? this.records.abandon(record) : this.records.release(record));
      throw error;
    }
  }

  private async keep(record: RecordOfRun, run: Run): Promise<void> {
    try {
      await this.records.complete(record, run);
    } catch (error) {
      await this.settle(this.records.release(record));
      throw error;
    }
  }

  /** Should it fail, the lease ends by itself. */
  private async settle(settling: Promise<void>): Promise<void> {
    await settling.catch((cause: unknown) =>
      this.logger.warn({ err: cause }, 'could not settle an idempotency record'),
    );
  }

  private async send(runId: string, { beginning, traceparent, context, beforeSending }: StartRequest): Promise<Run> {
    beforeSending?.(runId);
    const options = { timeoutMs: 10_000 };
    const answer =
      beginning.kind === 'start'
        ? this.commands.send(startRun, context, { runId, ...beginning.body, traceparent }, options)
        : this.commands.send(forkRun, context, { runId, ...forkOf(beginning), traceparent }, options);
    return await answer.catch((error: unknown) => {
      throw error instanceof MillraceError ? atItsPlaceInTheBody(error) : error;
    });
  }
}

const forkOf = ({ parent, body }: Extract<Beginning, { kind: 'fork' }>) => ({ parent, ...body });

const nothingToKeep = Promise.resolve();

/** Where in the body the things are that the orchestrator speaks of. */
const placesInBody: Readonly<Record<string, string>> = { invalid_input: '/input', invalid_graph: '/graph' };

/** The orchestrator points into the input or the graph, which are parts of the caller's body. */
function atItsPlaceInTheBody(error: MillraceError): MillraceError {
  const place = placesInBody[error.code];
  if (place === undefined) return error;
  const violations = error.violations.map(({ pointer, message }) => ({ pointer: place + pointer, message }));
  return new MillraceError(error.kind, error.code, error.message, { cause: error, violations });
}

/** Of what the body says, not of its bytes: the order of its properties and its spaces do not matter. */
function bodyHashOf(beginning: Beginning): string {
  const said = beginning.kind === 'start' ? beginning.body : { fork: beginning.parent, ...beginning.body };
  return sha256Hex(canonicalize(said) ?? '');
}
