/** What the policies of a graph promise: its containers, its budget, its retries, and the effects that a run takes back. */
import type { RunEvent } from '@millrace/contracts';
import type { EventInvariant } from './event-invariants.js';
import { undoneBy, type RunHistory } from './run-history.js';

const isOfCompensation = (event: RunEvent): boolean =>
  event.type === 'NodeScheduled' && undoneBy(event.data.node) !== undefined;

const isEnding = ({ state }: RunHistory): boolean => state.status === 'running' && state.ending !== null;

export const policyInvariants: readonly EventInvariant[] = [
  {
    invariant: 'retry',
    says: 'only what may pass is tried again',
    broken: (_run, event) =>
      event.type === 'NodeRetryScheduled' && !event.data.error.retryable
        ? `${event.data.node}: ${event.data.error.code}`
        : undefined,
  },
  {
    invariant: 'I9',
    says: 'a run that is to end begins nothing but what takes effects back',
    broken: (run, event) => {
      const begins = event.type === 'NodeScheduled' && event.data.attempt === 1 && !isOfCompensation(event);
      return isEnding(run) && (begins || event.type === 'RunCompleted') ? `${event.type} in its end` : undefined;
    },
  },
  {
    invariant: 'effects',
    says: 'what was done last is taken back first',
    broken: (run, event) => {
      if (event.type !== 'NodeScheduled' || event.data.attempt > 1 || !isOfCompensation(event)) return undefined;
      const { node } = event.data;
      const last = run.effects.at(-1)?.node;
      return undoneBy(node) === last && !run.attempts.has(node) ? undefined : `${node} before ${last}`;
    },
  },
  {
    invariant: 'effects',
    says: 'every effect is taken back before its run ends without completing',
    broken: (run, event) => {
      if (event.type !== 'RunFailed' && event.type !== 'RunCancelled') return undefined;
      const left = run.effects[0]?.node;
      return left === undefined ? undefined : `${left} is left`;
    },
  },
  {
    invariant: 'map',
    says: 'a map ends after each of its items has',
    broken: (run, event) => {
      const count = event.type === 'NodeCompleted' ? run.items.get(event.data.node) : undefined;
      if (event.type !== 'NodeCompleted' || count === undefined) return undefined;
      const { node, output } = event.data;
      const open = Array.from({ length: count }, (_, index) => `${node}[${index}]`).find((item) => isOpen(run, item));
      if (open !== undefined) return `${open} has not ended`;
      return Array.isArray(output) && output.length === count ? undefined : `${count} items, not as many outputs`;
    },
  },
];

/** Whether no node of an item of a map has begun, or one that has begun has not ended. What runs inside of a node ends with it. */
function isOpen({ begun, attempts, failedItems }: RunHistory, item: string): boolean {
  if (failedItems.has(item)) return false;
  const nodes = [...begun].filter((node) => node.startsWith(`${item}.`) && !node.includes('[', item.length));
  return nodes.length === 0 || nodes.some((node) => (attempts.get(node)?.state ?? 'ended') !== 'ended');
}
