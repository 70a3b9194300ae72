/**
 * Time that a simulation moves: nothing happens but what was scheduled, one thing after the other.
 *
 * 1. Whatever a thing sets going by promises happens before the next thing.
 * 2. Everything belongs to the program during which it was scheduled. What belongs to a dead program never happens, what
 *    belongs to a frozen one happens when it thaws, in its order.
 */
import { EventQueue, type Timed } from './event-queue.js';
import { runMicrotasks } from './microtasks.js';

/** Whatever things belong to: a process of the simulated system, or the world around them. */
export interface Program {
  readonly name: string;
  readonly isAlive: boolean;
  /** It does nothing before this moment, in milliseconds of the simulated time. */
  readonly frozenUntil: number;
}

export const world: Program = { name: 'world', isAlive: true, frozenUntil: 0 };

export interface Scheduled extends Timed {
  readonly program: Program;
  act: (() => void) | null;
}

/** The first full minute of every simulation, in milliseconds: it comes while things still go wrong. */
export const firstMinute = Date.UTC(2026, 0, 1);

/** The moment at which every simulation begins. */
export const beginning = firstMinute - 8_000;

export class VirtualTime {
  /** Milliseconds since 1970. */
  now = beginning;
  /** The program that does something just now. */
  current: Program = world;
  steps = 0;
  private readonly queue = new EventQueue<Scheduled>();
  private scheduled = 0;

  schedule(delayMs: number, act: () => void, program: Program = this.current): Scheduled {
    const item = { at: this.now + Math.max(0, delayMs), order: (this.scheduled += 1), program, act };
    this.queue.add(item);
    return item;
  }

  /** Lets the next thing happen. False where there is none. */
  step(): boolean {
    for (let next = this.queue.take(); next !== undefined; next = this.queue.take()) {
      const { act, program } = next;
      if (act === null || !program.isAlive) continue;
      if (program.frozenUntil > next.at) {
        next.at = program.frozenUntil;
        this.queue.add(next);
        continue;
      }
      this.now = next.at;
      this.current = program;
      this.steps += 1;
      next.act = null;
      act();
      runMicrotasks();
      this.current = world;
      return true;
    }
    return false;
  }
}
