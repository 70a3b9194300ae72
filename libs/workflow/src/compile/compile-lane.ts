/** Lanes: what is for one target goes one after the other, where the node says so. A lane is a shared key that one node holds at a time. */
import { sha256Hex, type JsonObject, type JsonValue } from '@millrace/kernel';
import type { AgentNode, WorkerNode } from '../document/graph-document.js';
import { limits } from '../limits.js';
import type { CompiledWorker, LaneTarget } from './compiled-graph.js';

export function laneOf(node: WorkerNode | AgentNode): LaneTarget | null {
  if (node.lane !== 'sequential') return null;
  switch (node.kind) {
    case 'llm':
    case 'router':
    case 'agent':
      return providerOf;
    case 'http':
    case 'browser':
      return hostOf;
    case 'worker':
      return () => node.worker;
    case 'tool':
      return field('tool');
    case 'database':
      return field('source');
    case 'search':
      return field('collection');
    case 'evaluate':
      return field('suite');
  }
}

/** The key of the lane of a task. Models are one kind of target, whatever asks them. */
export function laneKey({ kind, lane }: Pick<CompiledWorker, 'kind' | 'lane'>, input: JsonValue): string {
  const family = kind === 'router' ? 'llm' : kind === 'browser' ? 'http' : kind;
  const key = `lane/${family}/${lane === null ? '' : lane(input)}`;
  return key.length <= limits.concurrencyKeyLength ? key : `lane/${family}/${sha256Hex(key)}`;
}

const textAt = (input: JsonValue, name: string): string => {
  const value = (input as JsonObject | null)?.[name];
  return typeof value === 'string' ? value : '';
};

const field =
  (name: string): LaneTarget =>
  (input) =>
    textAt(input, name);

/** `openai` of `openai/gpt-5-mini`, a route as it is, and one lane for whatever is configured. */
const providerOf: LaneTarget = (input) => textAt(input, 'model').split('/')[0] ?? '';

const hostOf: LaneTarget = (input) => {
  const url = textAt(input, 'url');
  return URL.canParse(url) ? new URL(url).host : '';
};
