/** Brings faults about and heals them again. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterServer } from '@millrace/cluster';
import { assertNever } from '@millrace/kernel';
import { Redis } from 'ioredis';
import type { DrainRecord, Interval } from '../invariants/evidence.js';
import { surelyRowsOf } from '../world/query.js';
import { graceMs } from '../world/settings.js';
import type { World } from '../world/world.js';
import type { SupervisedProcess } from '../world/supervised-process.js';
import type { FaultAction, ServiceName } from './catalogue.js';
import type { Forger } from './forger.js';
import type { PlannedFault } from './schedule.js';

export interface Injection {
  readonly fault: string;
  readonly at: number;
  /** When what was taken away was given back. */
  readonly healedAt: number;
  /** When everything it hit was ready again. */
  readonly readyAt: number;
  /** False where no process came to the point at which it was to crash. */
  readonly happened: boolean;
}

/** What faults leave for the evidence. */
export interface FaultTraces {
  readonly drains: DrainRecord[];
  readonly llmOverlaps: Interval[];
  transportWiped: boolean;
}

export const newFaultTraces = (): FaultTraces => ({ drains: [], llmOverlaps: [], transportWiped: false });

/** Calls that were decided before a pause reach the provider within this time after it. */
const afterPauseMs = 3_000;
/** A copy of a task may try its model several times, with waits between. */
const afterDuplicatesMs = 12_000;
const killAfterMs = graceMs + 8_000;

export class Injector {
  readonly injections: Injection[] = [];

  constructor(
    private readonly world: World,
    private readonly forger: Forger,
    private readonly traces: FaultTraces,
    private readonly report: (text: string) => void,
  ) {}

  /** Plays a schedule to its end; resolves when every fault is healed and what it hit is ready. */
  async play(schedule: readonly PlannedFault[]): Promise<void> {
    const began = performance.now();
    /** Faults of one resource wait for each other, however long the one before took to heal. */
    const queues = new Map<string, Promise<void>>();
    for (const planned of schedule) {
      const { resource } = planned.fault;
      const before = queues.get(resource) ?? Promise.resolve();
      const due = pause(Math.max(0, planned.atMs - (performance.now() - began)));
      queues.set(
        resource,
        Promise.all([before, due]).then(() => this.inject(planned)),
      );
    }
    await Promise.all(queues.values());
  }

  private async inject(planned: PlannedFault): Promise<void> {
    const { fault, holdMs, replica } = planned;
    const at = Date.now();
    this.report(`${fault.name} for ${holdMs} ms`);
    const { healedAt, happened, hit } = await this.act(fault.action, holdMs, replica);
    await Promise.all(hit.map((process) => process.untilReady()));
    this.injections.push({ fault: fault.name, at, healedAt, readyAt: Date.now(), happened });
  }

  private async act(
    action: FaultAction,
    holdMs: number,
    replica: number,
  ): Promise<{ healedAt: number; happened: boolean; hit: readonly SupervisedProcess[] }> {
    const { world } = this;
    const done = (hit: readonly SupervisedProcess[] = [], happened = true) => ({ healedAt: Date.now(), happened, hit });
    switch (action.type) {
      case 'kill': {
        const hit = action.all === true ? world.of(action.service) : [this.one(action.service, replica)];
        await Promise.all(hit.map((process) => process.kill()));
        await pause(holdMs);
        await Promise.all(hit.map((process) => process.start()));
        return done(hit);
      }
      case 'crash':
        return this.crash(action, holdMs);
      case 'pause': {
        const process = this.one(action.service, replica);
        const from = Date.now();
        await process.stopTime();
        await pause(holdMs);
        await process.continueTime();
        if (action.service === 'llm-provider') this.traces.llmOverlaps.push({ from, to: Date.now() + afterPauseMs });
        return done([process]);
      }
      case 'drain': {
        const process = this.one(action.service, replica);
        const from = Date.now();
        const { code } = await process.terminate(killAfterMs);
        const tookMs = Date.now() - from;
        this.traces.drains.push({ service: process.name, exitCode: code, tookMs, graceMs });
        await pause(holdMs);
        await process.start();
        return done([process]);
      }
      case 'nats':
        await this.hitNats(action.how, holdMs);
        return done(world.processes);
      case 'postgres':
        await this.hitPostgres(action.how, holdMs);
        return done(world.processes);
      case 'redis':
        await this.hitRedis(action.how, holdMs);
        return done();
      case 'messages':
        await this.forge(action.how, holdMs);
        return done();
      case 'provider':
        world.provider.misbehave(action.how);
        await pause(holdMs);
        world.provider.behave();
        return done();
      default:
        return assertNever(action);
    }
  }

  private async forge(how: Extract<FaultAction, { type: 'messages' }>['how'], holdMs: number): Promise<void> {
    const from = Date.now();
    this.forger.begin(how);
    await pause(holdMs);
    this.forger.end(how);
    if (how === 'duplicates') this.traces.llmOverlaps.push({ from, to: Date.now() + afterDuplicatesMs });
  }

  private one(service: ServiceName, replica: number): SupervisedProcess {
    const all = this.world.of(service);
    const process = all[replica % all.length];
    if (process === undefined) throw new Error(`No process runs ${service}.`);
    return process;
  }

  private async crash(
    { service, point }: Extract<FaultAction, { type: 'crash' }>,
    holdMs: number,
  ): Promise<{ healedAt: number; happened: boolean; hit: readonly SupervisedProcess[] }> {
    const { control } = this.world;
    const all = this.world.of(service);
    const generations = (): number => all.reduce((sum, { generation }) => sum + generation, 0);
    const before = generations();
    control.arm(service, point);
    const deadline = performance.now() + holdMs;
    while (control.isArmed(service, point) && performance.now() < deadline) await pause(25);
    if (control.disarm(service, point)) return { healedAt: Date.now(), happened: false, hit: [] };
    // The process may still be answering for a moment: it is ready again only after it was started again.
    const restarted = performance.now() + 5_000;
    while (generations() === before && performance.now() < restarted) await pause(25);
    return { healedAt: Date.now(), happened: true, hit: all };
  }

  private async hitNats(how: Extract<FaultAction, { type: 'nats' }>['how'], holdMs: number): Promise<void> {
    const { nats } = this.world.cluster;
    if (how === 'pause') return standStill(nats, holdMs);
    await (how === 'kill' ? nats.kill() : nats.wipe());
    if (how === 'wipe') this.traces.transportWiped = true;
    await pause(holdMs);
    await untilRestarted(nats);
  }

  private async hitPostgres(how: Extract<FaultAction, { type: 'postgres' }>['how'], holdMs: number): Promise<void> {
    const { postgres } = this.world.cluster;
    if (how === 'terminate-connections') {
      await surelyRowsOf(
        postgres.url,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      return;
    }
    await postgres.kill(how === 'fast-stop' ? 'SIGINT' : 'SIGQUIT');
    await pause(holdMs);
    await untilRestarted(postgres);
  }

  private async hitRedis(how: Extract<FaultAction, { type: 'redis' }>['how'], holdMs: number): Promise<void> {
    const { redis } = this.world.cluster;
    if (redis === undefined) return;
    if (how === 'pause') return standStill(redis, holdMs);
    if (how === 'stop') {
      await redis.kill();
      await pause(holdMs);
      await untilRestarted(redis);
      return;
    }
    const client = new Redis(redis.url, { lazyConnect: true });
    client.on('error', () => undefined);
    await client
      .connect()
      .then(() => client.flushall())
      .catch(() => undefined);
    client.disconnect();
  }
}

const restartAttempts = 4;

/** A server may take longer to recover than its launcher waits, on a machine as busy as this one is made. */
async function untilRestarted(server: Pick<ClusterServer, 'restart'>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await server.restart();
    } catch (error) {
      if (attempt === restartAttempts) throw error;
    }
  }
}

async function standStill(server: Pick<ClusterServer, 'kill'>, holdMs: number): Promise<void> {
  await server.kill('SIGSTOP');
  await pause(holdMs);
  await server.kill('SIGCONT');
}
