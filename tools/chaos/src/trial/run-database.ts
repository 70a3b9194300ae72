/** What the orchestrator has stored, for what no API tells while it is away. */
import { rowsOf } from '../world/query.js';

export interface Progress {
  readonly runs: number;
  readonly unfinished: number;
  readonly events: number;
}

export async function progressOf(url: string, tenantId: string): Promise<Progress> {
  const [row] = await rowsOf<{ runs: number; unfinished: number; events: number }>(
    url,
    `select count(*)::int as runs,
            (count(*) filter (where finished_at is null))::int as unfinished,
            (select count(*)::int from orchestrator.run_event where tenant_id = $1) as events
     from orchestrator.run where tenant_id = $1`,
    [tenantId],
  );
  return row ?? { runs: 0, unfinished: 0, events: 0 };
}

/** Whether an attempt of a node has ended, by the stored events. */
export async function isAttemptOver(
  url: string,
  tenantId: string,
  { runId, node, attempt }: { readonly runId: string; readonly node: string; readonly attempt: number },
): Promise<boolean> {
  const rows = await rowsOf(
    url,
    `select 1 from orchestrator.run_event
     where tenant_id = $1 and run_id = $2 and data ->> 'node' = $3 and (data ->> 'attempt')::int >= $4
       and type in ('NodeCompleted', 'NodeRetryScheduled', 'NodeFailed') limit 1`,
    [tenantId, runId, node, attempt],
  );
  return rows.length > 0;
}
