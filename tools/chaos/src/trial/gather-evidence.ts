/** Collects what a trial has left, when nothing moves any more. */
import type { MillraceClient } from '@millrace/client';
import { MillraceError } from '@millrace/kernel';
import type { FaultTraces } from '../faults/inject.js';
import type { Forger } from '../faults/forger.js';
import {
  acceptedRunIds,
  type Application,
  type Evidence,
  type ObservedEvent,
  type ObservedRun,
} from '../invariants/evidence.js';
import type { LoadClient } from '../load/load-client.js';
import type { World } from '../world/world.js';
import { surelyRowsOf } from '../world/query.js';
import type { Tenant } from './tenant.js';

const atOnce = 16;

export async function gatherEvidence(
  world: World,
  tenant: Tenant,
  parts: { readonly load: LoadClient; readonly forger: Forger; readonly traces: FaultTraces; readonly marker: string },
): Promise<Evidence> {
  const { load, forger, traces, marker } = parts;
  const foreign = await runIdsOfOthers(world, tenant.id);
  const ids = new Set([...(await runIdsOf(tenant.client)), ...acceptedRunIds(load.starts)]);
  const runs = await inBatches([...ids], (id) => observe(tenant.client, id));
  const ours = new Set(ids);
  return {
    starts: load.starts,
    runs,
    streams: load.streams,
    cancels: load.cancels,
    effects: {
      attempts: world.ledger.attempts.filter(({ run }) => !foreign.has(run)),
      commits: world.ledger.commits.filter(({ run }) => ours.has(run)),
    },
    applications: await applicationsOf(world, tenant.id),
    providerCalls: world.provider.calls.filter(({ run }) => ours.has(run)),
    completions: await completionsOf(world, tenant.id),
    llmOverlaps: traces.llmOverlaps,
    forgedMarker: marker,
    forgedReplies: forger.replies,
    drains: traces.drains,
    transportWiped: traces.transportWiped,
  };
}

/** Effects of trials before this one may still come in; those of no stored run at all are the ones to find. */
async function runIdsOfOthers(world: World, tenantId: string): Promise<ReadonlySet<string>> {
  const rows = await surelyRowsOf<{ run_id: string }>(
    world.databaseUrl('orchestrator'),
    'select run_id from orchestrator.run where tenant_id <> $1',
    [tenantId],
  );
  return new Set(rows.map((row) => row.run_id));
}

async function runIdsOf(client: MillraceClient): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listRuns({ limit: 200, cursor });
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

async function observe(client: MillraceClient, id: string): Promise<ObservedRun> {
  try {
    const { status } = await client.getRun(id);
    return { id, status, events: await eventsOf(client, id) };
  } catch (error) {
    if (error instanceof MillraceError && error.kind === 'not-found') return { id, status: 'unknown', events: [] };
    throw error;
  }
}

async function eventsOf(client: MillraceClient, id: string): Promise<ObservedEvent[]> {
  const events: ObservedEvent[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listRunEvents(id, { limit: 1_000, cursor });
    events.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return events;
}

async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let index = 0; index < items.length; index += atOnce) {
    results.push(...(await Promise.all(items.slice(index, index + atOnce).map(work))));
  }
  return results;
}

async function applicationsOf(world: World, tenantId: string): Promise<Application[]> {
  return await surelyRowsOf<Application>(
    world.databaseUrl('subscriber'),
    `select message_id as "messageId", min(run_id) as "runId", min(type) as type, count(*)::int as times
     from chaos_subscriber.application where tenant_id = $1 group by message_id`,
    [tenantId],
  );
}

async function completionsOf(world: World, tenantId: string): Promise<Evidence['completions']> {
  const rows = await surelyRowsOf<{ task_id: string; run_id: string; node: string; at: number }>(
    world.databaseUrl('llm-provider'),
    `select task_id, run_id, node, (extract(epoch from created_at) * 1000)::float8 as at
     from llm_provider.completion where tenant_id = $1`,
    [tenantId],
  );
  return rows.map(({ task_id: taskId, run_id: run, node, at }) => ({
    ...{ run, node, at },
    attempt: Number(taskId.slice(taskId.lastIndexOf(':') + 1)),
  }));
}
