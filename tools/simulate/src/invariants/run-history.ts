/** What the witness knows of one run: its stored events, folded by the product, and what the invariants note beside. */
import type { RunEvent } from '@millrace/contracts';
import {
  evolve,
  initialState,
  threadPlaceOf,
  waitsToBegin,
  type CompiledGraph,
  type RunState,
} from '@millrace/workflow';

/** The last attempt at a node. */
export interface Attempt {
  readonly attempt: number;
  deadlineAt: string | undefined;
  /** Until when it waits, for a retry or as a wait. */
  dueAt: string | undefined;
  /** `parked`: somebody has to say what became of its effect. */
  state: 'running' | 'parked' | 'retrying' | 'ended';
}

/** What a node did; what it did twice with one key was done once. */
export interface DoneEffect {
  readonly node: string;
  readonly key: string | undefined;
}

/** The node whose effect a call takes back; undefined for what is no such call. */
export const undoneBy = (path: string): string | undefined => /^(.*)~compensate(-\d+)?$/.exec(path)?.[1];

export class RunHistory {
  readonly events: RunEvent[] = [];
  state: RunState = initialState();
  readonly attempts = new Map<string, Attempt>();
  readonly signals = new Set<string>();
  /** What its nodes asked for of shared keys, by node, and the nodes that have room. */
  readonly slots = new Map<string, readonly { readonly key: string; readonly limit: number }[]>();
  readonly holders = new Set<string>();
  /** Attempts that one worker may begin, as `<node>:<attempt>`, and those that were begun. */
  readonly claims = new Set<string>();
  readonly executed = new Set<string>();
  /** The nodes that were begun or passed over. */
  readonly begun = new Set<string>();
  /** The effects that are to be taken back should the run not complete, in the order in which they were done. */
  effects: readonly DoneEffect[] = [];
  /** By `<node>:<attempt>`: by what the target of a task knows what it does. */
  readonly keys = new Map<string, string>();
  /** How many items each map has, by its node, and the items that a map goes on without. */
  readonly items = new Map<string, number>();
  readonly failedItems = new Set<string>();
  end: RunEvent | undefined;

  constructor(
    readonly text: string,
    readonly graph: CompiledGraph,
  ) {}

  get position(): number {
    return this.events.length;
  }

  get isPaused(): boolean {
    return this.state.status === 'running' && this.state.pausedAt !== null;
  }

  /** When it began, or began again. */
  get beganAt(): number {
    const begun = this.events.findLast(({ type }) =>
      ['RunStarted', 'ThreadEntered', 'RunAdmitted', 'RunRetried'].includes(type),
    );
    return Date.parse(begun?.at ?? '');
  }

  get isQueued(): boolean {
    return waitsToBegin(this.state) || this.waitsForRoom;
  }

  /** The thread that it is under way in. */
  get thread(): string | undefined {
    const place = threadPlaceOf(this.state);
    return place?.isTaken === true ? `${this.text.split('/')[0]}/${place.threadId}` : undefined;
  }

  /** The nodes that hold a shared key: from when they were given room until they end. */
  holding(key: string): string[] {
    const nodes = this.state.status === 'running' ? this.state.nodes : undefined;
    return [...this.holders]
      .filter((node) => {
        const status = nodes?.get(node)?.status;
        const isOpen = status === 'running' || status === 'retrying';
        return isOpen && this.slots.get(node)?.some((slot) => slot.key === key) === true;
      })
      .map((node) => `${this.text}:${node}`)
      .concat(this.holdsAsAWhole(key) ? [this.text] : []);
  }

  private get waitsForRoom(): boolean {
    if (this.wholeSlots.length === 0 || this.state.status !== 'running' || this.state.ending !== null) return false;
    return this.events.findLast(({ type }) => /^Run(Started|Retried|Admitted)$/.test(type))?.type !== 'RunAdmitted';
  }

  /** From when it was admitted until it ends. */
  private holdsAsAWhole(key: string): boolean {
    if (this.state.status !== 'running' || this.end !== undefined) return false;
    const last = this.events.findLast(({ type }) => type === 'RunAdmitted' || type === 'RunRetried');
    return last?.type === 'RunAdmitted' && this.wholeSlots.some((slot) => slot.key === key);
  }

  /** The keys that the run holds as a whole. */
  get wholeSlots(): readonly { readonly key: string; readonly limit: number }[] {
    const [started] = this.events;
    return started?.type === 'RunStarted' ? (started.data.slots ?? []) : [];
  }

  /** Whether the result of an attempt is still to come. */
  waitsFor(path: string, attempt: number): boolean {
    const node = this.state.status === 'running' ? this.state.nodes.get(path) : undefined;
    return node?.status === 'running' && node.progress === null && node.attempt <= attempt;
  }

  add(event: RunEvent): void {
    this.events.push(event);
    this.state = evolve(this.graph, this.state, event);
  }
}
