/** Writes down what is where, for whoever has to find out why a trial failed. */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import type { Injection } from '../faults/inject.js';
import type { Evidence, Violation } from '../invariants/evidence.js';
import { natsAddress } from '../world/nats-address.js';
import type { World } from '../world/world.js';
import { rowsOf } from '../world/query.js';

export interface TrialToDump {
  readonly seed: number;
  readonly tenantId: string;
  readonly evidence: Evidence;
  readonly injections: readonly Injection[];
  readonly violations: readonly Violation[];
}

/** @returns the folder */
export async function dumpTrial(world: World, trial: TrialToDump): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `millrace-chaos-dump-${trial.seed}-`));
  const write = (name: string, content: unknown): void =>
    writeFileSync(join(folder, name), JSON.stringify(content, null, 2));
  write('violations.json', trial.violations);
  write('injections.json', trial.injections);
  write('evidence.json', trial.evidence);
  const tables = tablesOf(world, trial.tenantId);
  for (const [name, rows] of Object.entries(tables)) write(`${name}.json`, await rows.catch(String));
  write('jetstream.json', await jetStreamOf(world.cluster.nats.url).catch(String));
  write(
    'processes.json',
    world.processes.map(({ name, generation, unexpectedEnds }) => ({ name, generation, unexpectedEnds })),
  );
  mkdirSync(join(folder, 'logs'));
  for (const { name, logFile } of world.processes) cpSync(logFile, join(folder, 'logs', `${name}.log`));
  return folder;
}

const tablesOf = (world: World, tenantId: string): Record<string, Promise<unknown>> => {
  const orchestrator = world.databaseUrl('orchestrator');
  return {
    unfinished: rowsOf(
      orchestrator,
      `select run.*, (select json_agg(event order by position) from orchestrator.run_event as event
                      where event.tenant_id = run.tenant_id and event.run_id = run.run_id) as events
       from orchestrator.run where tenant_id = $1 and finished_at is null`,
      [tenantId],
    ),
    timers: rowsOf(orchestrator, 'select * from orchestrator.run_timer where tenant_id = $1', [tenantId]),
    leases: rowsOf(orchestrator, 'select *, now() from orchestrator.partition_lease order by partition'),
    activity: rowsOf(world.cluster.postgres.url, 'select * from pg_stat_activity'),
  };
};

/** What the streams and their consumers hold. */
async function jetStreamOf(url: string): Promise<unknown> {
  const nats = await connect(natsAddress(url));
  try {
    const ask = async (subject: string): Promise<unknown> =>
      (await nats.request(subject, '{}', { timeout: 3_000 })).json();
    return {
      streams: await ask('$JS.API.STREAM.LIST'),
      tasks: await ask('$JS.API.CONSUMER.LIST.TASKS'),
      events: await ask('$JS.API.CONSUMER.LIST.EVENTS'),
    };
  } finally {
    await nats.close();
  }
}
