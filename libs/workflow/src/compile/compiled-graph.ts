/** A graph in the form that the engine runs: expressions parsed, nodes indexed, dependents known. */
import { taskContracts, type OnBusy, type RunPriority, type TaskKind } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { z } from 'zod';
import type { CombineNode } from '../document/graph-document.js';
import type { Frame } from '../engine/state.js';
import type { Seen } from '../engine/variables.js';
import type { Meter } from '../expression/meter.js';
import type { Template } from '../expression/template.js';

export interface CompiledGraph {
  readonly name: string;
  readonly input: z.ZodType<JsonObject>;
  readonly timeoutMs: number | null;
  readonly budget: CompiledBudget | null;
  /** Of runs that are started with no other. */
  readonly priority: RunPriority;
  readonly thread: CompiledThread | null;
  /** Whether some effect is taken back when the run does not complete. */
  readonly compensates: boolean;
  /** The keys that a whole run holds; empty in most graphs. */
  readonly concurrency: readonly CompiledSlot[];
  /** Whether some node shares keys with those of other runs. */
  readonly shares: boolean;
  readonly root: CompiledScope;
  /** The names of all signals that some node waits for. */
  readonly signals: ReadonlySet<string>;
  /** Whether some node waits for an event. */
  readonly awaitsEvents: boolean;
  readonly output: CompiledTemplate;
}

/** A key, and how many may hold it at a time. */
export interface CompiledSlot {
  readonly key: CompiledTemplate;
  readonly limit: number;
}

/** Of the thread that a run may be in. */
export interface CompiledThread {
  readonly onBusy: OnBusy;
  /** What is merged into its state at the end; null for nothing. */
  readonly patch: CompiledTemplate | null;
}

/** Nodes that run together: those of the graph, of one map item, or of one loop round. */
export interface CompiledScope {
  /** In the document's order; a node's `index` is its place here. */
  readonly nodes: readonly CompiledNode[];
  /** And the tool calls that take effects back, which are not among the nodes. */
  readonly byId: ReadonlyMap<string, CompiledNode>;
  /** The nodes that need nothing. */
  readonly roots: readonly CompiledNode[];
}

/** A template with the nodes that it reads. */
export interface CompiledTemplate {
  readonly template: Template;
  readonly references: readonly string[];
  /** What stands in place of expressions in what the engine makes by itself: reads only what has ended, as they do. */
  readonly compute?: (state: Seen, frame: Frame, meter: Meter) => JsonValue;
}

/** A branch chooses by its cases, any other node by failing. */
export interface Chooser {
  readonly id: string;
  readonly by: 'case' | 'failure';
}

interface CommonFields {
  readonly id: string;
  readonly index: number;
  readonly needs: number;
  readonly dependents: readonly CompiledNode[];
  readonly when: CompiledTemplate | null;
  readonly continueOnError: boolean;
  /** The node beside it that its failure leads to. */
  readonly errorTarget: string | null;
  /** The nodes that decide whether it runs: it does if one of them chooses it. Empty where nothing has to choose it. */
  readonly choosers: readonly Chooser[];
  /** The kind that its document has, where that is made of nodes of other kinds. */
  readonly shownAs?: string;
}

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Error codes and kinds; null for all. */
  readonly on: ReadonlySet<string> | null;
}

/** Where intents lead, and how sure they must be. */
export interface CompiledRoutes {
  readonly targets: ReadonlyMap<string, readonly string[]>;
  readonly threshold: number;
  readonly fallback: readonly string[];
}

export interface CompiledWorker extends CommonFields {
  readonly kind: TaskKind;
  /** The name of a program of the tenant; undefined where a service works on it. */
  readonly worker: string | undefined;
  /** Of a router, whose output chooses. */
  readonly routes: CompiledRoutes | null;
  readonly with: CompiledTemplate;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number | null;
  /** How long one attempt may take, and how long it may show no progress, in milliseconds; null without limit. */
  readonly attemptMs: number | null;
  readonly idleMs: number | null;
  readonly effect: CompiledEffect | null;
  /** Null where each run does the work. `key` is null where the input says what the output depends on. */
  readonly cache: { readonly key: CompiledTemplate | null; readonly ttlMs: number } | null;
  /** What an attempt costs at most, in US dollars; 0 where nothing is said. */
  readonly estimateUsd: number;
  /** What it shares with other nodes of the tenant's runs; empty in most graphs. */
  readonly concurrency: readonly CompiledSlot[];
  /** What its target is called in the key of a lane that does one task at a time; null where it has no such lane. */
  readonly lane: LaneTarget | null;
  /** Whether what it used is kept with it, for others to read. */
  readonly keepsUsage?: boolean;
}
/** Reads from the input of a task which target it is for. */
export type LaneTarget = (input: JsonValue) => string;
export interface CompiledBudget {
  readonly usd: number | null;
  readonly wallClockMs: number | null;
  readonly onExceed: 'pause' | 'fail' | 'degrade';
}
export interface CompiledEffect {
  /** Null where nothing but care prevents that the effect happens twice. */
  readonly key: CompiledTemplate | null;
  /** The input of the tool call that takes it back; sees `output`. */
  readonly compensate: CompiledTemplate | null;
}
interface CompiledTransform extends CommonFields {
  readonly kind: 'transform';
  readonly output: CompiledTemplate;
}
export interface CompiledCombine extends CommonFields {
  readonly kind: 'combine';
  readonly from: readonly string[];
  readonly mode: CombineNode['mode'];
}
interface CompiledEmit extends CommonFields {
  readonly kind: 'emit';
  readonly event: string;
  readonly with: CompiledTemplate;
}
export interface CompiledBranch extends CommonFields {
  readonly kind: 'branch';
  readonly cases: readonly { readonly when: CompiledTemplate; readonly then: readonly string[] }[];
  readonly default: readonly string[];
}
export interface CompiledWait extends CommonFields {
  readonly kind: 'wait';
  readonly for: WaitFor;
  readonly timeoutMs: number | null;
}
type WaitFor =
  | { readonly kind: 'duration' | 'moment'; readonly value: CompiledTemplate }
  | { readonly kind: 'signal'; readonly name: string; readonly filter: CompiledTemplate }
  | { readonly kind: 'event'; readonly subject: string; readonly filter: CompiledTemplate };
export interface CompiledApproval extends CommonFields {
  readonly kind: 'approval';
  readonly title: CompiledTemplate;
  readonly with: CompiledTemplate;
  readonly assignees: CompiledTemplate;
  /** As the document has it, and as decisions are checked by it. */
  readonly form: JsonObject;
  readonly formSchema: z.ZodType<JsonObject>;
  readonly timeoutMs: number;
  readonly onTimeout: 'approve' | 'reject' | 'fail';
  /** Where a deadline that fails it leads to. */
  readonly timeoutTarget: string | null;
  readonly continueOnReject: boolean;
}
export interface CompiledMap extends CommonFields {
  readonly kind: 'map';
  readonly over: CompiledTemplate;
  readonly as: string;
  readonly maxParallel: number;
  /** How many items may fail: a number, or a share such as `10%`. */
  readonly tolerates: number | string;
  /** All nodes that an item may have. */
  readonly body: CompiledScope;
  /** Those that it has, where items differ. */
  readonly bodyOf?: (item: JsonValue) => CompiledScope;
  readonly output: CompiledTemplate;
}
export interface CompiledLoop extends CommonFields {
  readonly kind: 'loop';
  readonly maxRounds: number;
  readonly until: CompiledTemplate;
  readonly best: CompiledTemplate | null;
  readonly onExhausted: 'fail' | 'continue';
  /** Where a failure of it leads to when its rounds are used up. */
  readonly exhaustedTarget: string | null;
  readonly body: CompiledScope;
  readonly output: CompiledTemplate;
}
/** Another graph, in one frame of its own: its expressions see nothing of what is around it. */
export interface CompiledSubgraph extends CommonFields {
  readonly kind: 'subgraph';
  readonly with: CompiledTemplate;
  readonly input: z.ZodType<JsonObject>;
  readonly timeoutMs: number | null;
  readonly body: CompiledScope;
  readonly output: CompiledTemplate;
}
export type CompiledContainer = CompiledMap | CompiledLoop | CompiledSubgraph;
export type CompiledNode =
  | CompiledWorker
  | CompiledTransform
  | CompiledCombine
  | CompiledEmit
  | CompiledBranch
  | CompiledWait
  | CompiledApproval
  | CompiledContainer;

const workers: ReadonlySet<string> = new Set(Object.keys(taskContracts));

export const isWorker = (node: CompiledNode): node is CompiledWorker => workers.has(node.kind);
/** The kind of a node as its document says it. */
export const kindOf = ({ shownAs, kind }: CompiledNode): string => shownAs ?? kind;

export const isContainer = (node: CompiledNode): node is CompiledContainer =>
  node.kind === 'map' || node.kind === 'loop' || node.kind === 'subgraph';

/** The id, or path, of the tool call that takes the effect of a node back. No node of a document can have it. */
export const compensationOf = (node: string): string => `${node}~compensate`;

/** The path of such a call: a node that ran again after a retry may have had several effects, each of which has a call of its own. */
export const compensationPath = (node: string, nth: number): string =>
  nth === 1 ? compensationOf(node) : `${compensationOf(node)}-${nth}`;

/** Whether this is such a call: it stands beside the nodes of its scope and counts as none of them. */
export const isCompensation = ({ index }: CompiledNode): boolean => index < 0;
