/** Sees every batch that is stored and every answer that is given, and says which invariant is broken first. */
import { terminalEventTypes, type Envelope, type RunEvent, type TaskData } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { compileGraph, type CompiledGraph } from '@millrace/workflow';
import {
  eventOf,
  runText,
  type EventRow,
  type KnownSince,
  type LeaseClaim,
  type OnStored,
  type RunRow,
  type Tables,
} from '../database/tables.js';
import type { Broker } from '../world/broker.js';
import { eventInvariants, noteEvent } from './event-invariants.js';
import type { FireTime } from './fire-times.js';
import { policyInvariants } from './policy-invariants.js';
import { RunHistory } from './run-history.js';
import { Announcements } from './announcements.js';
import { storedInvariants } from './stored-invariants.js';
import { checkTurn } from './thread-invariants.js';

export interface Broken {
  readonly invariant: string;
  readonly says: string;
  readonly how: string;
}

/** What a witness has to know of a task. */
export interface WorkedOn {
  readonly node: string;
  readonly attempt: number;
  readonly idempotencyKey?: string | undefined;
}

const allOfEvents = [...eventInvariants, ...policyInvariants];

/** A run in a thread is announced when it comes to its turn. */
function isAnnounced(event: RunEvent, holdsKeys: boolean): boolean {
  if (event.type === 'RunStarted') return event.data.thread === undefined && event.data.slots === undefined;
  if (event.type === 'ThreadEntered') return event.data.generation === undefined && !holdsKeys;
  if (event.type === 'RunAdmitted') return event.data.generation === undefined;
  return event.type === 'EventEmitted' || terminalEventTypes.has(event.type);
}

const announcementId = ({ text }: RunHistory, { position }: RunEvent): string => `${text.split('/')[1]}:${position}`;

export class Witness {
  broken: Broken | undefined;
  readonly runs = new Map<string, RunHistory>();
  private readonly compiled = new Map<string, CompiledGraph>();

  /** The runs that somebody has asked to try again. */
  readonly retryAsked = new Set<string>();
  private readonly announcements = new Announcements();

  /** The fire times of the seed's schedules. */
  readonly fireTimes: FireTime[] = [];

  constructor(
    private readonly tablesOf: () => Tables,
    private readonly now: () => number,
  ) {}

  /** Whether every run that was accepted has ended, and none is owed by a schedule. */
  get isAtRest(): boolean {
    return [...this.runs.values()].every(({ end }) => end !== undefined) && this.owed === undefined;
  }

  private get owed(): FireTime | undefined {
    return this.fireTimes.find((each) => each.isOwed(this.tablesOf()));
  }

  readonly onStored: OnStored = (events, rows, claim, known) => {
    for (const event of events) this.checkFence(event, claim);
    const touched = new Set<RunHistory>();
    for (const row of rows) if (!this.runs.has(runText(row))) this.begin(row);
    for (const row of events) {
      const run = this.runs.get(runText(row));
      if (run === undefined) return this.fail('I2', 'a run has its row from its first event on', runText(row));
      this.check(run, row);
      touched.add(run);
    }
    for (const run of touched) this.checkStored(run);
    this.checkMemory(events, known);
  };

  /** A worker was told that its result applied, or a caller that a run is as it asked. */
  answered(text: string, says: string, isStored: (run: RunHistory) => boolean, details: unknown = {}): void {
    const run = this.runs.get(text);
    if (run === undefined || !isStored(run))
      this.fail('I1', says, `${text}, ${run?.position ?? 'no'} events, ${JSON.stringify(details)}`);
  }

  /** A worker begins to work on a task. */
  executes(text: string, { node, attempt, idempotencyKey }: WorkedOn): void {
    const run = this.runs.get(text);
    const known = run?.attempts.get(node);
    const name = `${node}:${attempt}`;
    if (run === undefined || known === undefined || known.attempt < attempt)
      return this.fail('I1', 'a task is published after it is stored', `${text}:${name}`);
    if (run.claims.has(name) && run.executed.has(name))
      this.fail('I3', 'an effect that must not happen twice is begun once', `${text}:${name}`);
    run.executed.add(name);
    if (idempotencyKey !== undefined) run.keys.set(name, idempotencyKey);
  }

  /** A worker gives a task back as done. */
  acknowledged(payload: string): void {
    const { tenantId, data } = JSON.parse(payload) as Envelope<TaskData>;
    const run = this.runs.get(`${tenantId}/${data.runId}`);
    // What must not be done twice is left to whoever has begun with it.
    if (run?.claims.has(`${data.node}:${data.attempt}`) === true) return;
    if (run?.waitsFor(data.node, data.attempt) === true)
      this.fail('I3', 'a task is acknowledged after its result is stored', data.taskId);
  }

  /** What must be so when everything has come to rest. */
  atRest(broker: Broker): void {
    for (const run of this.runs.values()) {
      if (run.end === undefined) this.fail('I1', 'every accepted run ends', `${run.text} after ${run.position} events`);
      else this.checkPublished(run, broker);
    }
    const [left] = this.tablesOf().threads.places.keys();
    if (left !== undefined) this.fail('threads', 'who has ended leaves the line at its thread', left);
    if (this.owed !== undefined) this.fail('I1', 'a fire time has its run', this.owed.run);
    const [changed] = broker.changed;
    if (changed !== undefined) this.fail('I3', 'what is published again is the same', changed);
  }

  fail(invariant: string, says: string, how: string): void {
    this.broken ??= { invariant, says, how };
  }

  private begin(row: RunRow): void {
    const fireTime = this.fireTimes.find(({ run }) => run === runText(row));
    if (fireTime?.isEarly(this.now()) === true) this.fail('timers', 'a schedule fires not early', fireTime.run);
    this.runs.set(runText(row), new RunHistory(runText(row), this.graphOf(row)));
  }

  private graphOf({ graphDigest }: RunRow): CompiledGraph {
    const known = this.compiled.get(graphDigest);
    if (known !== undefined) return known;
    const stored = this.tablesOf().graphs.find(({ digest }) => digest === graphDigest);
    const graph = compileGraph(JSON.parse(stored?.document ?? '{}') as JsonObject);
    this.compiled.set(graphDigest, graph);
    return graph;
  }

  private check(run: RunHistory, row: EventRow): void {
    const event = eventOf(row);
    for (const { invariant, says, broken } of allOfEvents) {
      const how = broken(run, event);
      if (how !== undefined) this.fail(invariant, says, `${run.text}: ${how}`);
    }
    noteEvent(run, event);
    if (isAnnounced(event, run.wholeSlots.length > 0))
      this.announcements.note(row.partition, announcementId(run, event), event.at);
    this.checkSpending(run);
    if (event.type === 'SlotsGranted') this.checkRoom(run, run.slots.get(event.data.node));
    if (event.type === 'RunAdmitted') this.checkRoom(run, run.wholeSlots);
    if (event.type === 'ThreadEntered') checkTurn(run, [...this.runs.values()], (...how) => this.fail(...how));
  }

  /** What a run has spent never exceeds its budget, which each resuming after it was exceeded allows once more. */
  private checkSpending({ graph, state, events, text }: RunHistory): void {
    const usd = graph.budget?.usd ?? null;
    if (usd === null || state.status === 'new') return;
    // A retry begins a generation with what the runs before have spent.
    const again = events.filter(({ type }) => type === 'RunResumed' || type === 'RunRetried').length;
    const allowed = usd * (1 + again);
    if (state.usage.costUsd > allowed + 1e-9)
      this.fail('I11', 'a run never spends more than its budget', `${text}: ${state.usage.costUsd} of ${allowed}`);
  }

  /** Of the tenant's runs, never more nodes or runs hold a key than its limit allows. */
  private checkRoom(granted: RunHistory, slots: RunHistory['wholeSlots'] = []): void {
    const [tenant] = granted.text.split('/');
    for (const { key, limit } of slots) {
      const holders = [...this.runs.values()].flatMap((run) =>
        run.text.startsWith(`${tenant}/`) ? run.holding(key) : [],
      );
      if (holders.length > limit)
        this.fail('concurrency', 'a shared key is held by no more nodes than it allows', `${key}: ${holders.join()}`);
    }
  }

  /** A replica says how far its partition is published. */
  reported(partition: number, until: Date, { published }: Broker): void {
    const early = this.announcements.missing(partition, until, (id) => published.has(id));
    if (early !== undefined)
      this.fail('I1', 'a cursor is not past what is still to be announced', `${early}, in ${partition}`);
  }

  /** Whatever the tables let pass: who writes holds the partition, in the epoch in which it decided. */
  private checkFence({ partition, type }: EventRow, { owner, partitions, epochs }: LeaseClaim): void {
    const lease = this.tablesOf().leases[partition];
    const epoch = epochs[partitions.indexOf(partition)];
    if (lease?.owner !== owner || lease.epoch !== epoch)
      this.fail('I4', 'a stale fence changes nothing', `${type} by ${owner} in ${epoch}, held by ${lease?.owner}`);
  }

  /**
   * What a run does after its first event rests on what its owner read or wrote of it in the epoch that it claims. A retry has it read
   * anew, which looks like what is read to be published again.
   */
  private checkMemory(events: readonly EventRow[], known: KnownSince): void {
    const anew = new Set(events.filter(({ position }) => position === 1).map(runText));
    for (const row of events) {
      const text = runText(row);
      if (anew.has(text) || this.retryAsked.has(text)) continue;
      const since = known.get(text) ?? 0;
      const askedAt = this.tablesOf().leases[row.partition]?.askedAt ?? 0;
      if (since < askedAt)
        this.fail(
          'I4',
          'what is written in an epoch was decided in it',
          `${text}, known for ${askedAt - since} ms longer`,
        );
    }
  }

  private checkStored(run: RunHistory): void {
    for (const { invariant, says, broken } of storedInvariants) {
      const how = broken(run, this.tablesOf());
      if (how !== undefined) this.fail(invariant, says, `${run.text}: ${how}`);
    }
  }

  /** Of what a bus holds that was never wiped. */
  private checkPublished(run: RunHistory, broker: Broker): void {
    if (broker.wiped) return;
    for (const event of run.events) {
      if (!isAnnounced(event, run.wholeSlots.length > 0)) continue;
      const id = announcementId(run, event);
      if (!broker.published.has(id)) this.fail('I1', 'what is stored is announced', `${event.type} ${id}`);
    }
  }
}
