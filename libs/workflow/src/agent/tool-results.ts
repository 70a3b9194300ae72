/** What the work of a declared tool is to a model: data that it is told, passages that it may cite, and money. Pure. */
import { passageSchema, type Passage } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { Seen } from '../engine/variables.js';
import type { EndedCall } from './conversation.js';
import { agentNodes, type AgentRules } from './rules.js';

/** Passages that a task of a model takes at most. */
export const mostPassages = 200;

/** What a model is told of an output: marked as what somebody else wrote, without what it has no use for. */
export const toldOf = (kind: string, output: JsonValue): JsonObject => ({ untrusted: essenceOf(kind, output) });

function essenceOf(kind: string, output: JsonValue): JsonValue {
  if (!isObject(output)) return output;
  if (kind === 'search' || kind === 'browser') {
    const { passages, ...rest } = output;
    // The passages stand in the evidence, numbered and fenced: here it is said only where they are from.
    const found = Array.isArray(passages) ? passages.filter(isObject) : [];
    const places = new Map(found.map(({ source, title }) => [JSON.stringify(source), { source, title }]));
    const sources = [...places.values()].map(({ source = null, title = null }) => ({ source, title }));
    const seen = kind === 'search' ? rest : without(rest, ['documentId', 'snapshotSha256', 'outcome', 'mediaType']);
    return { ...seen, passagesInEvidence: found.length, sources };
  }
  if (kind !== 'http') return output;
  const { status = null, url = null, json = null, body = null, encoding = null } = output;
  if (json !== null) return { status, url, json };
  return encoding === 'base64' ? { status, url, body: '(no text)' } : { status, url, body };
}

const without = (object: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** Where the calls of a round are in a state. */
export interface PlacedCalls {
  /** `research[0].rounds[2].`. */
  readonly prefix: string;
  readonly calls: readonly EndedCall[];
}

const pathOf = (prefix: string, index: number, name: string): string =>
  `${prefix}${agentNodes.calls}[${index}].${name}`;

/** What searches and pages have given so far, each passage once, the newest first: where not all fits, the oldest is left out. */
export function passagesFound(state: Seen, rounds: readonly PlacedCalls[], { declared }: AgentRules): Passage[] {
  const found = new Map<string, Passage>();
  for (const { prefix, calls } of rounds.toReversed()) {
    for (const [index, { name, made }] of calls.entries()) {
      const kind = declared.get(name)?.kind;
      if (!made || (kind !== 'search' && kind !== 'browser')) continue;
      for (const passage of passagesAt(state, pathOf(prefix, index, name))) {
        if (found.size >= mostPassages) return [...found.values()];
        const { documentId, snapshotSha256, start, end } = passage;
        const span = `${documentId} ${snapshotSha256} ${start} ${end}`;
        if (!found.has(span)) found.set(span, passage);
      }
    }
  }
  return [...found.values()];
}

function passagesAt(state: Seen, path: string): Passage[] {
  const node = state.nodes.get(path);
  const output = node?.status === 'completed' ? node.output : null;
  const passages = isObject(output) ? output['passages'] : null;
  if (!Array.isArray(passages)) return [];
  return passages.slice(0, mostPassages).flatMap((passage) => {
    const checked = passageSchema.safeParse(passage);
    return checked.success ? [checked.data] : [];
  });
}

/** What the declared tools cost in these rounds, in US dollars, and whatever the graphs did that they called. */
export function usdOfCalls(state: Seen, rounds: readonly PlacedCalls[], { declared }: AgentRules): number {
  let usd = 0;
  for (const { prefix, calls } of rounds) {
    for (const [index, { name, made }] of calls.entries()) {
      const tool = declared.get(name);
      if (!made || tool === undefined) continue;
      const path = pathOf(prefix, index, name);
      usd += tool.kind === 'subgraph' ? usdInside(state, `${path}[0].`) : usdAt(state, path);
    }
  }
  return usd;
}

const usdAt = (state: Seen, path: string): number => {
  const node = state.nodes.get(path);
  return (node?.status === 'completed' ? node.usage?.costUsd : undefined) ?? 0;
};

function usdInside(state: Seen, prefix: string): number {
  let usd = 0;
  for (const [path] of state.nodes.entries()) if (path.startsWith(prefix)) usd += usdAt(state, path);
  return usd;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
