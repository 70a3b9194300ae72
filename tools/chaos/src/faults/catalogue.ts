/** Every fault there is. What two faults may not have in their hands at once is their `resource`. */
import type { Misbehaviour } from '@millrace/testing';
import type { PointName } from '../hooks/changes.js';
import type { Range } from '../seed/dice.js';

export const serviceNames = [
  'gateway',
  'orchestrator',
  'research',
  'llm-provider',
  'evaluation',
  'toolbox',
  'subscriber',
] as const;
export type ServiceName = (typeof serviceNames)[number];

/** What the model provider of a trial does; all of it is in the hostile provider of `libs/testing`. */
export type ProviderMischief = Extract<
  Misbehaviour,
  'rate-limit' | 'server-error' | 'half-a-stream' | 'endless-tokens' | 'silence' | 'broken-json'
>;

export type FaultAction =
  /** SIGKILL for one of its processes, or for all of them at once. */
  | { readonly type: 'kill'; readonly service: ServiceName; readonly all?: boolean }
  /** The process kills itself when it comes to a point in its code. */
  | { readonly type: 'crash'; readonly service: ServiceName; readonly point: PointName }
  /** SIGSTOP for longer than a lease or an ack wait, then SIGCONT. */
  | { readonly type: 'pause'; readonly service: ServiceName }
  /** SIGTERM in the middle of work. */
  | { readonly type: 'drain'; readonly service: ServiceName }
  | { readonly type: 'nats'; readonly how: 'kill' | 'wipe' | 'pause' }
  | { readonly type: 'postgres'; readonly how: 'fast-stop' | 'immediate-stop' | 'terminate-connections' }
  | { readonly type: 'redis'; readonly how: 'stop' | 'flush' | 'pause' }
  | { readonly type: 'messages'; readonly how: 'duplicates' | 'stale-fences' | 'garbage' }
  | { readonly type: 'provider'; readonly how: ProviderMischief };

export interface Fault {
  readonly name: string;
  readonly action: FaultAction;
  readonly resource: string;
  /** How long until it is healed, in milliseconds. */
  readonly holdMs: Range;
}

const short: Range = [200, 1_500];
/** Longer than the lease of a partition (2 s) and the ack wait of a task (3 s), as the trial sets them. */
const pastEveryLease: Range = [3_600, 5_000];

const killed = (service: ServiceName): Fault => ({
  name: `kill-${service}`,
  action: { type: 'kill', service },
  resource: service,
  holdMs: short,
});
const paused = (service: ServiceName): Fault => ({
  name: `pause-${service}`,
  action: { type: 'pause', service },
  resource: service,
  holdMs: pastEveryLease,
});
const drained = (service: ServiceName): Fault => ({
  name: `drain-${service}`,
  action: { type: 'drain', service },
  resource: service,
  holdMs: [0, 500],
});
const crash = (name: string, service: ServiceName, point: PointName): Fault => ({
  name,
  action: { type: 'crash', service, point },
  resource: service,
  holdMs: [2_000, 3_000],
});
const provider = (how: ProviderMischief): Fault => ({
  name: `provider-${how}`,
  action: { type: 'provider', how },
  resource: 'provider',
  holdMs: [800, 2_000],
});

export const faults: readonly Fault[] = [
  ...serviceNames.map(killed),
  {
    name: 'kill-every-orchestrator',
    action: { type: 'kill', service: 'orchestrator', all: true },
    resource: 'orchestrator',
    holdMs: short,
  },
  crash('crash-before-commit', 'orchestrator', 'orchestrator.before-commit'),
  crash('crash-after-commit', 'orchestrator', 'orchestrator.after-commit'),
  crash('crash-before-publish', 'orchestrator', 'orchestrator.before-publish'),
  crash('crash-before-ack', 'toolbox', 'worker.before-ack'),
  crash('crash-before-ledger', 'llm-provider', 'llm-provider.before-ledger'),
  crash('crash-before-result', 'llm-provider', 'worker.before-result'),
  crash('crash-before-outbox-removal', 'research', 'outbox.before-removal'),
  crash('crash-before-answer', 'gateway', 'gateway.before-answer'),
  crash('crash-before-event-ack', 'subscriber', 'subscriber.before-ack'),
  paused('toolbox'),
  paused('llm-provider'),
  paused('orchestrator'),
  drained('orchestrator'),
  drained('toolbox'),
  drained('gateway'),
  { name: 'nats-kill', action: { type: 'nats', how: 'kill' }, resource: 'nats', holdMs: short },
  // It answers nobody and closes nothing: whoever waits for it must give up by the clock.
  { name: 'nats-pause', action: { type: 'nats', how: 'pause' }, resource: 'nats', holdMs: pastEveryLease },
  { name: 'redis-pause', action: { type: 'redis', how: 'pause' }, resource: 'redis', holdMs: pastEveryLease },
  { name: 'nats-wipe', action: { type: 'nats', how: 'wipe' }, resource: 'nats', holdMs: short },
  ...(['fast-stop', 'immediate-stop', 'terminate-connections'] as const).map((how): Fault => ({
    name: `postgres-${how}`,
    action: { type: 'postgres', how },
    resource: 'postgres',
    holdMs: how === 'terminate-connections' ? [0, 100] : short,
  })),
  { name: 'redis-stop', action: { type: 'redis', how: 'stop' }, resource: 'redis', holdMs: [500, 2_500] },
  { name: 'redis-flush', action: { type: 'redis', how: 'flush' }, resource: 'redis', holdMs: [0, 100] },
  ...(['duplicates', 'stale-fences', 'garbage'] as const).map((how): Fault => ({
    name: `message-${how}`,
    action: { type: 'messages', how },
    resource: `messages-${how}`,
    holdMs: [1_500, 3_000],
  })),
  ...(['rate-limit', 'server-error', 'half-a-stream', 'endless-tokens', 'silence', 'broken-json'] as const).map(
    provider,
  ),
];

/** @throws RangeError that names the faults there are */
export function faultNamed(name: string): Fault {
  const found = faults.find((fault) => fault.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`There is no fault "${name}"; there are ${faults.map((fault) => fault.name).join(', ')}.`);
}
