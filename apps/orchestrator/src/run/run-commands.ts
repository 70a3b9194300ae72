/**
 * Starts, cancels and signals runs: decided by the replica that owns the run's partition. A replica that does not own it hands the command
 * to the one that does; every command may be sent again, so a lost answer ends in another attempt.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  causedBy,
  deliverToPartition,
  envelopeOf,
  mailboxSubject,
  partitionOf,
  runSchema,
  violationsOf,
  type cancelRun,
  type Envelope,
  type MessageContext,
  type RequestOf,
  type migrateRun,
  type pauseRun,
  type resumeRun,
  type removeRun,
  type retryRun,
  type Run,
  type RunDecision,
  type RunPriority,
  type signalRun,
  type startRun,
} from '@millrace/contracts';
import { assertNever, invalidInput, MillraceError, type JsonObject } from '@millrace/kernel';
import type { IncomingMessage, MessageBus } from '@millrace/messaging';
import { checkInput, type Fork } from '@millrace/workflow';
import type { OrchestratorCounts } from '../counts.js';
import type { GraphLibrary } from '../graph/graph-library.js';
import type { LeaseBook } from '../partition/lease-book.js';
import type { OrchestratorStores } from '../schema/stores.js';
import { wantedPlace, type ThreadLines, type WantedPlace } from '../thread/thread-lines.js';
import { prepareFork, type ForkRunRequest } from './fork-run.js';
import type { ResolvedGraph, RunKey } from './hot-run.js';
import type { RunLoader } from './run.loader.js';
import type { RunWriter } from './run.writer.js';
import type { RunWork } from './run-input.js';

export type StartRunRequest = RequestOf<typeof startRun>;
export type CancelRunRequest = RequestOf<typeof cancelRun>;
export type PauseRunRequest = RequestOf<typeof pauseRun>;
export type ResumeRunRequest = RequestOf<typeof resumeRun>;
export type MigrateRunRequest = RequestOf<typeof migrateRun>;
export type RemoveRunRequest = RequestOf<typeof removeRun>;
export type RetryRunRequest = RequestOf<typeof retryRun>;
export type SignalRunRequest = RequestOf<typeof signalRun>;
type Delivery =
  | { readonly type: 'start'; readonly data: StartRunRequest }
  | { readonly type: 'fork'; readonly data: ForkRunRequest }
  | { readonly type: 'cancel'; readonly data: CancelRunRequest }
  | { readonly type: 'pause'; readonly data: PauseRunRequest }
  | { readonly type: 'resume'; readonly data: ResumeRunRequest }
  | { readonly type: 'retry'; readonly data: RetryRunRequest }
  | { readonly type: 'migrate'; readonly data: MigrateRunRequest }
  | { readonly type: 'remove'; readonly data: RemoveRunRequest }
  | { readonly type: 'signal'; readonly data: SignalRunRequest }
  | { readonly type: 'decision'; readonly data: RunDecision };

/** What a new run begins with. */
interface RunBeginning {
  readonly graph: ResolvedGraph;
  readonly input: JsonObject;
  readonly traceparent: string | undefined;
  readonly priority?: RunPriority | undefined;
  readonly fork?: Fork;
  readonly thread?: WantedPlace;
}

export interface RunCommandParts {
  readonly graphs: GraphLibrary;
  readonly loader: RunLoader;
  readonly writer: RunWriter;
  readonly lines: ThreadLines;
  readonly reader: ReturnType<OrchestratorStores['reader']>;
  readonly leases: LeaseBook;
  readonly bus: MessageBus;
  readonly counts: OrchestratorCounts;
  /** Removes a run that has ended; whether it went. */
  readonly remove: (key: RunKey) => Promise<boolean>;
}

/** How long a command looks for the owner of its partition: longer than a hand-over takes. */
const searchMs = 5_000;
const maxSignalCharacters = 65_536;
const firstPauseMs = 20;
const longestPauseMs = 500;

/** What says that the owner was not reached, or was none. */
const isAboutOwner = (error: unknown): boolean =>
  error instanceof MillraceError && ['partition_moved', 'no_responders', 'service_stopping'].includes(error.code);

export class RunCommands {
  constructor(private readonly parts: RunCommandParts) {}

  /**
   * Starts a run, once however often it is sent. Resolves after the run is stored.
   * @throws MillraceError `unknown_graph`, `invalid_graph`, `invalid_input`, `orchestrator_overloaded`, `partition_moved`, and of its thread
   *   `thread_busy`, `thread_queue_full`, `thread_missing`
   */
  start(context: MessageContext, data: StartRunRequest): Promise<Run> {
    return this.byOwner(context, { type: 'start', data });
  }

  /**
   * Starts a run at a node of another one, once however often it is sent.
   * @throws MillraceError as `prepareFork` and `start`
   */
  fork(context: MessageContext, data: ForkRunRequest): Promise<Run> {
    return this.byOwner(context, { type: 'fork', data });
  }

  /** Cancels a run; one that has ended stays as it is. @throws MillraceError `unknown_run`, and as `start` */
  cancel(context: MessageContext, data: CancelRunRequest): Promise<Run> {
    return this.byOwner(context, { type: 'cancel', data });
  }

  /** Pauses a run; one that is paused stays so. @throws MillraceError `unknown_run`, `run_ended`, and as `start` */
  pause(context: MessageContext, data: PauseRunRequest): Promise<Run> {
    return this.byOwner(context, { type: 'pause', data });
  }

  /** Resumes a run; one that is not paused stays as it is. @throws MillraceError as `pause` */
  resume(context: MessageContext, data: ResumeRunRequest): Promise<Run> {
    return this.byOwner(context, { type: 'resume', data });
  }

  /**
   * Lets a run that has ended go on, once however often it is sent.
   * @throws MillraceError `unknown_run`, `run_not_ended`, `unknown_node`, `node_inside_container`, `nothing_to_retry`,
   *   `too_many_retries`, and as `start`
   */
  retry(context: MessageContext, data: RetryRunRequest): Promise<Run> {
    return this.byOwner(context, { type: 'retry', data });
  }

  /**
   * Moves a run that goes on to another version of its graph.
   * @throws MillraceError `unknown_run`, `unknown_graph`, `run_ended`, `run_ending`, `graph_changed`, `migration_refused`, and as `start`
   */
  migrate(context: MessageContext, data: MigrateRunRequest): Promise<Run> {
    return this.byOwner(context, { type: 'migrate', data });
  }

  /**
   * Removes a run that has ended, and gives it as it was.
   * @throws MillraceError `unknown_run`, `run_removed`, `run_not_ended`, `run_just_ended`, and as `start`
   */
  remove(context: MessageContext, data: RemoveRunRequest): Promise<Run> {
    return this.byOwner(context, { type: 'remove', data });
  }

  /**
   * Hands a signal to a run, once however often it is sent.
   * @throws MillraceError `unknown_run`, `unknown_signal`, `run_ended`, `too_many_signals`, `signal_too_large`, and as `start`
   */
  async signal(context: MessageContext, data: SignalRunRequest): Promise<Run> {
    const size = JSON.stringify(data.data).length;
    if (size <= maxSignalCharacters) return await this.byOwner(context, { type: 'signal', data });
    const message = `The signal's data takes ${size} characters as JSON; at most ${maxSignalCharacters} are taken.`;
    throw new MillraceError('too-large', 'signal_too_large', message);
  }

  /**
   * Hands a decision to the run whose node asks for it.
   * @throws MillraceError `approval_decided`, `not_an_assignee`, `invalid_form`, and as `start`
   */
  decide(context: MessageContext, data: RunDecision): Promise<Run> {
    return this.byOwner(context, { type: 'decision', data });
  }

  /** A command that another replica handed over. @throws MillraceError `partition_moved` where it is not owned here either */
  async deliver({ envelope }: IncomingMessage): Promise<Run> {
    const parsed = deliverToPartition.request.safeParse(envelope.data);
    if (!parsed.success)
      throw invalidInput('invalid_message', 'No command for a partition.', violationsOf(parsed.error));
    return await this.here(causedBy(envelope), parsed.data);
  }

  private async byOwner(context: MessageContext, delivery: Delivery): Promise<Run> {
    const partition = partitionOf(delivery.data.runId);
    const deadline = performance.now() + searchMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        if (this.parts.leases.owns(partition)) return await this.here(context, delivery);
        return await this.forward(context, partition, delivery);
      } catch (error) {
        if (!isAboutOwner(error) || performance.now() + pauseMs > deadline) throw error;
      }
      await pause(pauseMs);
    }
  }

  private async forward(context: MessageContext, partition: number, delivery: Delivery): Promise<Run> {
    const contract = { name: 'orchestrator.partition.deliver', version: 1 };
    const envelope: Envelope = envelopeOf(contract, context, delivery);
    return runSchema.parse(await this.parts.bus.request({ subject: mailboxSubject(partition), envelope }));
  }

  private here(context: MessageContext, delivery: Delivery): Promise<Run> {
    const { tenantId } = context;
    const { runId } = delivery.data;
    const key: RunKey = { tenantId, runId, partition: partitionOf(runId) };
    switch (delivery.type) {
      case 'start':
        return this.startHere(key, context, delivery.data);
      case 'fork':
        return this.forkHere(key, context, delivery.data);
      case 'cancel':
        return this.cancelHere(key, delivery.data);
      case 'pause':
        return this.haltHere(key, { type: 'pause', reason: delivery.data.reason });
      case 'resume':
        return this.haltHere(key, { type: 'resume' });
      case 'retry':
        return this.retryHere(key, delivery.data);
      case 'migrate':
        return this.migrateHere(key, delivery.data);
      case 'remove':
        return this.removeHere(key);
      case 'signal':
        return this.signalHere(key, delivery.data);
      case 'decision':
        return this.decideHere(key, delivery.data);
      default:
        return assertNever(delivery);
    }
  }

  private async startHere(key: RunKey, context: MessageContext, data: StartRunRequest): Promise<Run> {
    const graph = await this.parts.graphs.resolve(key.tenantId, data.graph);
    const { input, priority, traceparent } = data;
    const thread = wantedPlace(data, graph.compiled.thread);
    return await this.startOn(key, context, { graph, input, priority, traceparent, ...(thread && { thread }) });
  }

  private async forkHere(key: RunKey, context: MessageContext, data: ForkRunRequest): Promise<Run> {
    const { tenantId } = key;
    const parent = { tenantId, runId: data.parent, partition: partitionOf(data.parent) };
    const { loader, reader } = this.parts;
    const absent = (key: RunKey) => reader.absence(key.tenantId, key.runId);
    const prepared = await prepareFork(loader, parent, data, absent);
    return await this.startOn(key, context, { ...prepared, traceparent: data.traceparent });
  }

  private async startOn(key: RunKey, { correlationId }: MessageContext, begin: RunBeginning): Promise<Run> {
    const { graph, input, thread, ...rest } = begin;
    const checked = checkInput(graph.compiled, input);
    if ('violations' in checked) {
      throw invalidInput('invalid_input', `The input does not fit graph ${graph.identity.name}.`, checked.violations);
    }
    const started = { type: 'start', graph, input: checked.input, correlationId, ...rest } as const;
    const work: RunWork = thread === undefined ? started : { ...started, thread: thread.threadId };
    const bytes = JSON.stringify(input).length + (rest.fork === undefined ? 0 : JSON.stringify(rest.fork).length);
    const submit = () => this.parts.writer.submit(key, work, bytes);
    const answer = await (thread === undefined ? submit() : this.parts.lines.inLine(key, thread, submit));
    if (answer.kind === 'applied' && answer.run !== undefined) return answer.run;
    this.parts.counts.repeatedStarts += 1;
    return await this.parts.reader.get(key.tenantId, key.runId);
  }

  private async cancelHere(key: RunKey, { reason }: CancelRunRequest): Promise<Run> {
    return await this.answered(key, { type: 'cancel', reason }, reason.length);
  }

  private async haltHere(key: RunKey, work: Extract<RunWork, { type: 'pause' | 'resume' }>): Promise<Run> {
    const changed = await this.submit(key, work, 0);
    if (changed !== null) return changed;
    const run = await this.parts.reader.get(key.tenantId, key.runId);
    if (run.finishedAt === null) return run;
    throw new MillraceError('conflict', 'run_ended', `The run is ${run.status}: it cannot be paused or resumed.`);
  }

  private async retryHere(key: RunKey, { id, from }: RetryRunRequest): Promise<Run> {
    return await this.answered(key, { type: 'retry', id, from }, 0);
  }

  private async migrateHere(key: RunKey, { version }: MigrateRunRequest): Promise<Run> {
    const { graphs, reader } = this.parts;
    const { graph: from } = await reader.get(key.tenantId, key.runId);
    const graph = await graphs.resolve(key.tenantId, `${from.name}@${version}`);
    const comparison = await graphs.compare(key.tenantId, from, graph.identity);
    const changed = await this.submit(key, { type: 'migrate', from, graph, comparison }, 0);
    if (changed !== null) return changed;
    const run = await reader.get(key.tenantId, key.runId);
    if (run.graph.digest === graph.identity.digest) return run;
    throw new MillraceError('conflict', 'run_ended', `The run is ${run.status}: it stays on its version.`);
  }

  private async removeHere(key: RunKey): Promise<Run> {
    const { reader, remove } = this.parts;
    const run = await reader.get(key.tenantId, key.runId);
    if (run.finishedAt !== null && (await remove(key))) return run;
    const now = await reader.get(key.tenantId, key.runId);
    if (now.finishedAt === null)
      throw new MillraceError('conflict', 'run_not_ended', 'The run goes on. Cancel it first, or wait for its end.');
    throw new MillraceError('conflict', 'run_just_ended', 'The end of the run is being announced. Ask again.', {
      retryable: true,
      retryAfterSeconds: 5,
    });
  }

  private async decideHere(key: RunKey, { node, attempt = 1, decision, data, by }: RunDecision): Promise<Run> {
    const work = { type: 'decision', node, attempt, decision, data, by } as const;
    return await this.answered(key, work, JSON.stringify(data).length);
  }

  /** The run after a command that applied, or that had been applied before. @throws MillraceError of its refusal */
  private async answered(key: RunKey, work: RunWork, bytes: number): Promise<Run> {
    const changed = await this.submit(key, work, bytes);
    return changed ?? (await this.parts.reader.get(key.tenantId, key.runId));
  }

  private async signalHere(key: RunKey, { id, name, data }: SignalRunRequest): Promise<Run> {
    const work = { type: 'signal', id, name, data } as const;
    const changed = await this.submit(key, work, JSON.stringify(data).length);
    if (changed !== null) return changed;
    const run = await this.parts.reader.get(key.tenantId, key.runId);
    if (run.finishedAt === null || (await this.parts.reader.hasSignal(key.tenantId, key.runId, id))) return run;
    throw new MillraceError('conflict', 'run_ended', `The run is ${run.status}: it takes no signals any more.`);
  }

  /**
   * The run as a command left it, or null where it changed nothing. A run that was unknown when the command was decided may be
   * stored a moment later, without what the command asked for: its caller is told that there was none, and comes again.
   */
  private async submit(key: RunKey, work: RunWork, bytes: number): Promise<Run | null> {
    const answer = await this.parts.writer.submit(key, work, bytes);
    if (answer.kind === 'refused') throw answer.error;
    if (answer.kind === 'unknown-run') throw await this.parts.reader.absence(key.tenantId, key.runId);
    return answer.kind === 'applied' ? (answer.run ?? null) : null;
  }
}
