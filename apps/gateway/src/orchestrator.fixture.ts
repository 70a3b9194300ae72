import {
  cancelRun,
  type CommandContract,
  envelopeOf,
  getRun,
  listRunEvents,
  liveEndSubject,
  liveEventsSubject,
  liveFollowedSubject,
  liveRunEnded,
  liveRunEvents,
  liveRunFollowed,
  liveTokensSubject,
  partitionCount,
  type RequestOf,
  type ResponseOf,
  type Run,
  startRun,
} from '@millrace/contracts';
import { notFound } from '@millrace/kernel';
import type { IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';
import type { FeedEvent } from './stream/run-event-feed.js';

interface StoredRun {
  readonly tenantId: string;
  run: Run;
  readonly events: FeedEvent[];
}

const at = '2026-01-01T00:00:00.000Z';

/** Speaks the orchestrator's contracts on the bus, and lets a test say what happens to its runs. */
export class ScriptedOrchestrator {
  readonly runs = new Map<string, StoredRun>();
  /** Every start that arrived, repeats included. */
  readonly starts: RequestOf<typeof startRun>[] = [];
  /** Set to make the next start wait, or fail. */
  beforeStart: (() => Promise<void>) | undefined;
  /** Whether commits are hinted at. */
  hints = true;
  /** The runs that a gateway said it follows. */
  readonly followed = new Set<string>();
  private readonly subscriptions: Subscription[] = [];
  private tokens = 0;

  constructor(private readonly bus: MessageBus) {}

  async listen(): Promise<this> {
    await this.respond(startRun, async (data, tenantId) => {
      this.starts.push(data);
      await this.beforeStart?.();
      if (data.graph === 'unknown') throw notFound('unknown_graph', 'There is no graph "unknown".');
      const known = this.runs.get(data.runId);
      if (known) return known.run;
      this.runs.set(data.runId, { tenantId, run: newRun(data), events: [] });
      this.commit(data.runId, [['RunStarted', {}]]);
      return this.find(data.runId, tenantId).run;
    });
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const heard = await this.bus.subscribe(liveFollowedSubject(partition), ({ envelope }) => {
        this.followed.add(liveRunFollowed.data.parse(envelope.data).runId);
      });
      this.subscriptions.push(heard);
    }
    await this.respond(getRun, ({ runId }, tenantId) => this.find(runId, tenantId).run);
    await this.respond(cancelRun, ({ runId, reason }, tenantId) => {
      const { run } = this.find(runId, tenantId);
      if (run.finishedAt === null) this.commit(runId, [['RunCancelled', { reason }]]);
      return this.find(runId, tenantId).run;
    });
    await this.respond(listRunEvents, ({ runId, after, limit }, tenantId) => {
      const { run, events } = this.find(runId, tenantId);
      const page = events.slice(after, after + limit);
      return { events: page as never, done: run.finishedAt !== null && after + page.length >= events.length };
    });
    return this;
  }

  /** Stores events after one another and hints at them, as a commit does. */
  commit(runId: string, events: readonly (readonly [type: string, data: Record<string, unknown>])[]): void {
    const stored = this.runs.get(runId);
    if (!stored) throw new Error(`No run ${runId}`);
    const added = events.map(([type, data], index) => ({ position: stored.events.length + 1 + index, type, at, data }));
    stored.events.push(...added);
    const ended = { RunCompleted: 'completed', RunFailed: 'failed', RunCancelled: 'cancelled' } as const;
    const status = added.map(({ type }) => ended[type as keyof typeof ended]).find((found) => found !== undefined);
    if (status) stored.run = { ...stored.run, status, finishedAt: at, output: { words: 3 } };
    if (this.hints && this.followed.has(runId)) this.hint(runId, added);
    if (this.hints && status) this.hintEnd(runId);
  }

  hint(runId: string, events: readonly FeedEvent[]): void {
    const context = { tenantId: this.runs.get(runId)?.tenantId ?? '', correlationId: 'test', causationId: null };
    this.bus.notify({ subject: liveEventsSubject(runId), envelope: envelopeOf(liveRunEvents, context, { events }) });
  }

  /** Hints at the end of a run, as it is stored or as another may claim. */
  hintEnd(runId: string, run: Run | null = this.runs.get(runId)?.run ?? null, tenantId?: string): void {
    const tenant = tenantId ?? this.runs.get(runId)?.tenantId ?? '';
    const context = { tenantId: tenant, correlationId: 'test', causationId: null };
    this.bus.notify({ subject: liveEndSubject(runId), envelope: envelopeOf(liveRunEnded, context, { run }) });
  }

  /** Publishes tokens in order, as a worker does. */
  async emit(runId: string, ...texts: readonly string[]): Promise<void> {
    const context = { tenantId: this.runs.get(runId)?.tenantId ?? '', correlationId: 'test', causationId: null };
    for (const text of texts) {
      const envelope = envelopeOf(
        { name: 'live.token', version: 1 },
        context,
        { node: 'draft', attempt: 1, text },
        { id: `${runId}:token:${(this.tokens += 1)}` },
      );
      await this.bus.publish({ subject: liveTokensSubject(runId), envelope });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.stop()));
  }

  async respond<Contract extends CommandContract>(
    contract: Contract,
    answer: (data: RequestOf<Contract>, tenantId: string) => ResponseOf<Contract> | Promise<ResponseOf<Contract>>,
  ): Promise<void> {
    const handle = async ({ envelope }: IncomingMessage): Promise<unknown> =>
      await answer(contract.request.parse(envelope.data) as RequestOf<Contract>, envelope.tenantId);
    const options = { queue: 'orchestrator', maxInFlight: 1_000 };
    this.subscriptions.push(await this.bus.respond(contract.subject, options, handle));
  }

  private find(runId: string, tenantId: string): StoredRun {
    const stored = this.runs.get(runId);
    if (stored?.tenantId === tenantId) return stored;
    throw notFound('unknown_run', `There is no run ${runId}.`);
  }
}

const newRun = ({ runId, input }: RequestOf<typeof startRun>): Run => ({
  id: runId,
  graph: { name: 'content', version: 1, digest: 'a'.repeat(64) },
  status: 'running',
  input,
  output: null,
  error: null,
  createdAt: at,
  startedAt: at,
  finishedAt: null,
  usage: { promptTokens: 0, completionTokens: 0, costUsd: 0 },
  steps: [],
});
