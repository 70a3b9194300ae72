/**
 * What stands between the processes of the simulated system: the network, with all that goes wrong in it.
 *
 * 1. A process may die whenever it asks for something and whenever it hears of something: between these it reaches nobody.
 * 2. What a dead process asked for before may still happen.
 * 3. Every choice comes from the seed.
 */
import { Dice, type Range } from '@millrace/chaos/dice';
import { beginning, world as outside, VirtualTime, type Program } from '../time/virtual-time.js';
import type { SimulatedProcess } from './simulated-process.js';
import { all, weatherOf, type Weather } from './weather.js';

export interface Call<Result> {
  readonly process: SimulatedProcess;
  readonly name: string;
  /** Chances out of 100,000 that it is lost on its way, or its answer is. */
  readonly loss: number;
  readonly answerLoss: number;
  readonly execute: () => Result | Promise<Result>;
  /** What the process is told in time when there is no answer. */
  readonly unanswered: () => Error;
  readonly timeoutMs: number;
  /** What keeps it from arriving, in milliseconds. */
  readonly stallMs?: number;
}

const mostCrashes = 12;

export class World {
  readonly time = new VirtualTime();
  readonly weather: Weather;
  private readonly dice: Dice;
  private crashes = 0;

  constructor(
    readonly seed: number,
    private readonly onStep: ((line: string) => void) | undefined,
    /** What the weather has in every seed, whatever the seed says. */
    always: Partial<Weather> = {},
  ) {
    this.weather = { ...weatherOf(new Dice(seed, 'weather')), ...always };
    this.dice = new Dice(seed, 'faults');
  }

  get isCalm(): boolean {
    return this.time.now - beginning >= this.weather.calmAfterMs;
  }

  /** Notes what happens, for whoever replays the seed. */
  note(line: () => string, program: Program = this.time.current): void {
    if (this.onStep === undefined) return;
    const at = ((this.time.now - beginning) / 1000).toFixed(3).padStart(9);
    this.onStep(`${at} ${program.name.padEnd(16)} ${line()}`);
  }

  within(range: Range): number {
    return this.dice.within(range);
  }

  /** Whether a fault of such a chance happens now. */
  happens(chance: number): boolean {
    return chance > 0 && !this.isCalm && this.dice.within([0, all - 1]) < chance;
  }

  /** The time that something takes on its way, in milliseconds. */
  latency(): number {
    const { slow, slowMs, latencyMs } = this.weather;
    return this.happens(slow) ? this.within(slowMs) : this.within(latencyMs);
  }

  /** What keeps one replica's statements from arriving: those about leases now and then, those that load runs for long. */
  stall({ name }: SimulatedProcess, kind: 'leases' | 'load'): number {
    const { leaseStallMs, slowLoad, slowLoadMs } = this.weather;
    if (this.isCalm || !name.startsWith('orchestrator-a')) return 0;
    if (kind === 'load') return this.happens(slowLoad) ? this.within(slowLoadMs) : 0;
    if (leaseStallMs === 0) return 0;
    const into = (this.time.now - beginning) % (2 * leaseStallMs);
    return into < leaseStallMs ? 0 : 2 * leaseStallMs - into;
  }

  /** Whether a process lives on past this point. */
  passes(process: SimulatedProcess, point: string): boolean {
    if (!process.isAlive || !process.isMortal) return process.isAlive;
    if (this.crashes < mostCrashes && this.happens(this.weather.crash)) {
      this.crashes += 1;
      this.note(() => `dies at: ${point}`, process);
      process.die();
      return false;
    }
    if (this.happens(this.weather.freeze)) {
      process.frozenUntil = this.time.now + this.within(this.weather.freezeMs);
      this.note(() => `stands still at: ${point}`, process);
    }
    return true;
  }

  /** Lets something happen elsewhere, and tells the process what it came to. */
  call<Result>(call: Call<Result>): Promise<Result> {
    const { process, name } = call;
    if (!this.passes(process, `asks: ${name}`)) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      const answer = (delayMs: number, act: () => void): void => {
        this.time.schedule(delayMs, () => void (this.passes(process, `hears: ${name}`) && act()), process);
      };
      const lose = (): void => answer(call.timeoutMs, () => reject(call.unanswered()));
      if (this.happens(call.loss)) {
        this.note(() => `loses: ${name}`);
        return lose();
      }
      const succeed = (result: Result): void => {
        if (this.happens(call.answerLoss)) return lose();
        answer(this.latency(), () => resolve(result));
      };
      const fail = (error: Error): void => answer(this.latency(), () => reject(error));
      this.time.schedule(this.latency() + (call.stallMs ?? 0), () => this.execute(call, succeed, fail), outside);
    });
  }

  /** Something on its way to a process. */
  deliver(process: SimulatedProcess, name: string, act: () => void, loss = 0): void {
    if (this.happens(loss)) return this.note(() => `loses: ${name}`, process);
    this.time.schedule(this.latency(), () => void (this.passes(process, `receives: ${name}`) && act()), process);
  }

  /** Something that a process says and waits for no answer to. */
  tell(process: SimulatedProcess, name: string, act: () => void, loss = 0): void {
    if (!this.passes(process, `tells: ${name}`)) return;
    if (this.happens(loss)) return this.note(() => `loses: ${name}`, process);
    this.time.schedule(this.latency(), act, outside);
  }

  private execute<Result>(call: Call<Result>, succeed: (result: Result) => void, fail: (error: Error) => void): void {
    this.note(() => call.name, call.process);
    try {
      const result = call.execute();
      if (result instanceof Promise) void result.then(succeed, fail);
      else succeed(result);
    } catch (error) {
      fail(error as Error);
    }
  }
}
