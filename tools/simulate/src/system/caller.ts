/** Whoever asks for runs: sends each command until it is answered, and some of them twice. */
import {
  approvalIdOf,
  cancelRun,
  decideApproval,
  createSchedule,
  envelopeOf,
  forkRun,
  pauseRun,
  resumeRun,
  retryRun,
  signalRun,
  startRun,
  terminalEventTypes,
  type CommandContract,
  type MessageContext,
  type Run,
  type RunEventOf,
} from '@millrace/contracts';
import { MillraceError, toMillraceError, type JsonObject } from '@millrace/kernel';
import { TransportBus } from '@millrace/messaging';
import { setTimeout as pause } from 'node:timers/promises';
import { signalNames } from '../graphs/node-kinds.js';
import type { RunHistory } from '../invariants/run-history.js';
import { beginning } from '../time/virtual-time.js';
import { Connection } from '../world/connection.js';
import { SimulatedProcess } from '../world/simulated-process.js';
import type { Installation } from './installation.js';
import { forkOf, type PlannedRun, type PlannedSchedule } from './planned.js';

/** The signals that a run may be sent: now and then one that no node of it waits for. */
const signalsOf = ({ graph, dice }: PlannedRun): readonly string[] =>
  signalNames.filter((name) => dice.percent(5) || JSON.stringify(graph).includes(`"signal":{"name":"${name}"`));

/** How long after the calm began nobody holds a run up any more, and how often what is asked is then answered. */
const letGoAfterMs = 4_000;

/** What asks for a decision. */
const asks: ReadonlySet<string> = new Set(['ApprovalRequested', 'EffectUncertain']);

const startOf = ({ graph, input, thread }: PlannedRun): JsonObject => ({ graph, input, ...thread });

const key = { keyId: 'key_of_somebody', role: 'admin' } as const;
const stateOf = ({ state }: RunHistory): string => state.status;

export class Caller {
  readonly process = new SimulatedProcess('caller', 0, false);
  private readonly bus: TransportBus;
  private unanswered = 0;

  constructor(private readonly installation: Installation) {
    const { world, broker } = installation;
    const transport = new Connection(world, this.process, broker);
    this.bus = new TransportBus({ transport, report: () => undefined, publishTimeoutMs: 5_000 });
  }

  /** Whether every command was answered. */
  get isDone(): boolean {
    return this.unanswered === 0;
  }

  /** Asks for a run and for what is to happen to it, at moments of its dice. */
  ask(planned: PlannedRun): void {
    const { dice } = planned;
    this.after(dice.within([0, 3_000]), () => this.start(planned));
    for (const name of signalsOf(planned))
      for (let count = dice.within([0, 2]); count > 0; count -= 1) {
        const data = { number: dice.within([0, 7]) };
        this.plan(planned, 12_000, signalRun, { name, id: `${name}-${count}`, data });
      }
    if (dice.percent(25)) this.plan(planned, 14_000, cancelRun, { reason: 'enough' });
    if (dice.percent(25)) this.plan(planned, 10_000, pauseRun, { reason: 'lunch' });
    if (dice.percent(20)) this.plan(planned, 12_000, startRun, startOf(planned));
    if (dice.percent(25)) this.plan(planned, 25_000, retryRun, { id: 'once-more' });
    // From wherever, so that a run that has completed does again what it did.
    for (let count = dice.percent(25) ? dice.within([1, 2]) : 0; count > 0; count -= 1) {
      this.plan(planned, 35_000, retryRun, { id: `from-${count}`, from: dice.pick(nodesOf(planned)) });
      this.after(dice.within([20_000, 60_000]), () => this.send(planned, cancelRun, { reason: 'done again' }));
    }
    if (dice.percent(20)) this.fork(planned);
    for (let count = dice.within([0, 3]); count > 0; count -= 1)
      this.after(dice.within([2_000, 20_000]), () => this.decide(planned));
    this.holdNothingUp(planned);
  }

  /** Asks for a schedule, well before it is to fire. */
  askForSchedule({ tenantId, scheduleId, spec }: PlannedSchedule): void {
    const { tables, witness } = this.installation;
    this.after(1_000, async () => {
      const answer = await this.request(tenantId, createSchedule, { scheduleId, spec });
      const isStored = tables.schedules.has(`${tenantId}/${scheduleId}`);
      if (answer instanceof MillraceError) witness.fail('I1', 'a sound schedule is accepted', answer.message);
      else if (!isStored) witness.fail('I1', 'a schedule is answered after it is stored', scheduleId);
    });
  }

  /** Asks for another run that goes on from a node of this one, once more where that was asked already. */
  private fork(planned: PlannedRun): void {
    const { dice, runId } = planned;
    const forked = forkOf(planned);
    const from = dice.pick(nodesOf(planned));
    for (const at of [dice.within([4_000, 15_000]), 16_000])
      this.after(at, () => this.send(forked, forkRun, { parent: runId, from }));
    this.holdNothingUp(forked);
  }

  private holdNothingUp(planned: PlannedRun): void {
    this.everyNowAndThen(this.installation.world.weather.calmAfterMs + letGoAfterMs, () => this.letGo(planned));
  }

  private after(delayMs: number, act: () => Promise<unknown>): void {
    this.unanswered += 1;
    const done = (): void => void (this.unanswered -= 1);
    this.installation.world.time.schedule(delayMs, () => void act().then(done, done), this.process);
  }

  /** Goes on for as long as the simulation does. */
  private everyNowAndThen(delayMs: number, act: () => Promise<unknown>): void {
    const again = (): void => this.everyNowAndThen(letGoAfterMs, act);
    this.installation.world.time.schedule(delayMs, () => void act().then(again, again), this.process);
  }

  private plan(planned: PlannedRun, within: number, contract: CommandContract, data: JsonObject): void {
    this.after(planned.dice.within([0, within]), () => this.send(planned, contract, data));
  }

  private async start(planned: PlannedRun): Promise<void> {
    await this.send(planned, startRun, startOf(planned));
    if (planned.dice.percent(30)) await this.send(planned, startRun, startOf(planned));
  }

  /** Decides on something that the run asks for, if there is anything. */
  private async decide(planned: PlannedRun): Promise<void> {
    const run = this.installation.witness.runs.get(`${planned.tenantId}/${planned.runId}`);
    const asked =
      run?.events.flatMap((event) => (asks.has(event.type) ? (event as RunEventOf<'EffectUncertain'>).data : [])) ?? [];
    if (asked.length === 0) return;
    const { node, attempt } = planned.dice.pick(asked);
    const approvalId = approvalIdOf(planned.runId, node, attempt);
    const decision = planned.dice.pick(['approve', 'reject']);
    await this.send(planned, decideApproval, { approvalId, decision, data: {}, by: key });
  }

  /** When all is calm nobody holds a run up any more, nor one that a retry let go on. */
  private async letGo(planned: PlannedRun): Promise<void> {
    const run = this.installation.witness.runs.get(`${planned.tenantId}/${planned.runId}`);
    if (run === undefined || run.end !== undefined) return;
    if (run.isPaused) await this.send(planned, resumeRun, {});
    await this.decide(planned);
  }

  private async send(planned: PlannedRun, contract: CommandContract, data: JsonObject): Promise<void> {
    if (contract === retryRun) this.installation.witness.retryAsked.add(`${planned.tenantId}/${planned.runId}`);
    const answer = await this.request(planned.tenantId, contract, { runId: planned.runId, ...data });
    if (answer instanceof MillraceError) this.refused(planned, contract, answer);
    else this.answered(planned, contract, answer as Run);
  }

  /** Resolves when there is an answer that will not change, with the error of a refusal. */
  private async request(tenantId: string, contract: CommandContract, data: JsonObject): Promise<unknown> {
    const context: MessageContext = { tenantId, correlationId: 'simulation', causationId: null };
    for (;;) {
      try {
        const envelope = envelopeOf(contract, context, data);
        return await this.bus.request({ subject: contract.subject, envelope }, { timeoutMs: 8_000 });
      } catch (thrown) {
        const error = toMillraceError(thrown);
        if (!isForLater(error, this.isLate)) return error;
        await pause(500);
      }
    }
  }

  /** Whether a run that was asked for at the beginning must be there by now. */
  private get isLate(): boolean {
    const { time, weather } = this.installation.world;
    return time.now - beginning > weather.calmAfterMs + 60_000;
  }

  private answered(planned: PlannedRun, contract: CommandContract, run: Run): void {
    const { witness } = this.installation;
    const text = `${planned.tenantId}/${planned.runId}`;
    if (contract === decideApproval) return;
    witness.answered(text, `${contract.name} is answered after it is stored`, (history) => {
      if (run.id !== planned.runId || history.events[0]?.at !== run.createdAt) return false;
      if (contract === cancelRun)
        return history.events.some(({ type }) => type === 'RunEnding' || terminalEventTypes.has(type));
      if (contract === pauseRun) return stateOf(history) !== 'new';
      return true;
    });
  }

  private refused(planned: PlannedRun, contract: CommandContract, error: MillraceError): void {
    const { witness, world } = this.installation;
    world.note(() => `is refused ${contract.name}: ${error.code} ${error.message}`, this.process);
    if (contract === startRun) witness.fail('I1', 'a sound run is accepted', `${planned.runId}: ${error.message}`);
  }
}

const nodesOf = ({ graph }: PlannedRun): string[] => (graph['nodes'] as JsonObject[]).map(({ id }) => id as string);

/** What is to be sent again. Until its start has arrived nobody knows a run. */
const isForLater = (error: MillraceError, isLate: boolean): boolean =>
  ['unavailable', 'overloaded', 'timeout'].includes(error.kind) || (error.code === 'unknown_run' && !isLate);
