/** A replica of the orchestrator as a process: the product's own, over the simulated database and bus. */
import { TransportBus, type Subscription } from '@millrace/messaging';
import { Orchestrator } from '@millrace/orchestrator/core';
import { digestOf } from '@millrace/workflow';
import { innerGraph, innerName } from '../graphs/node-kinds.js';
import { storesOf } from '../database/stores.js';
import { Connection } from '../world/connection.js';
import type { SimulatedProcess } from '../world/simulated-process.js';
import { answerCommands } from './command-responders.js';
import type { Installation } from './installation.js';

const config = {
  reconcileAfterMs: 8_000,
  timerPollMs: 2_500,
  maxWaiting: 10_000,
  maxWaitingBytes: 64 * 1024 * 1024,
  maxOutputBytes: 8 * 1024 * 1024,
  announceSteps: true,
  /** So few that tasks wait for their turns. */
  taskBurst: 2,
  tenantWeights: new Map(),
  retention: { days: null, ofTenants: new Map<string, number>() },
  retentionMs: 60_000,
};

export interface RunningProcess {
  /** As a process does that is told to end. */
  stop(): Promise<void>;
}

export async function startOrchestrator(
  { world, tables, broker }: Installation,
  process: SimulatedProcess,
  replica: string,
): Promise<RunningProcess> {
  const bus = new TransportBus({
    transport: new Connection(world, process, broker),
    report: ({ code, message, cause }) => world.note(() => `problem ${code}: ${message} ${String(cause)}`, process),
    publishTimeoutMs: 5_000,
  });
  const orchestrator = new Orchestrator({
    stores: storesOf(world, process, tables),
    bus,
    config: { ...config, replica, hotRunBytes: world.weather.hotRunBytes, leaseMs: world.weather.leaseMs },
    clock: { now: () => new Date(world.time.now + process.clockSkewMs) },
    logger: {
      warn: ({ err }: { err: unknown }, message: string) =>
        world.note(() => `warns: ${message} ${String(err)}`, process),
    } as never,
    shippedGraphs: [{ name: innerName, description: '', digest: digestOf(innerGraph), document: innerGraph }],
  });
  await orchestrator.start();
  const commands: Subscription[] = await answerCommands(bus, orchestrator);
  return {
    stop: async () => {
      await Promise.all(commands.map((command) => command.stop()));
      await orchestrator.stop();
      await bus.drain({ graceMs: 2_000 });
    },
  };
}
