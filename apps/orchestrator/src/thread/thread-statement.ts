/** The part of a batch's statement that changes threads. */
import { sql, type RawBuilder } from 'kysely';
import type { ThreadRows } from './thread-rows.js';

/** States that are kept of a thread. */
export const keptVersions = 1_000;

/**
 * A place that was given already stays so: only that the run knows it is new. What a run writes is merged into what the thread knows
 * by then, and has a version of its own.
 */
export const threadsChanged = ({ set, left, patches }: ThreadRows): RawBuilder<unknown> => sql`,
    thread_places_set as (
      insert into thread_place (partition, tenant_id, run_id, generation, thread_id, stored, taken)
      select new.partition, new.tenant_id, new.run_id, new.generation, new.thread_id, true, new.taken
      from unnest(${set.partition}::smallint[], ${set.tenantId}::text[], ${set.runId}::text[],
                  ${set.generation}::integer[], ${set.threadId}::text[], ${set.taken}::boolean[])
        as new (partition, tenant_id, run_id, generation, thread_id, taken)
      join held using (partition)
      on conflict (tenant_id, run_id, generation) do update
      set stored = true, taken = excluded.taken, thread_id = excluded.thread_id
    ),
    thread_places_left as (
      delete from thread_place
      where (tenant_id, run_id, generation) in (
        select old.tenant_id, old.run_id, old.generation
        from unnest(${left.partition}::smallint[], ${left.tenantId}::text[], ${left.runId}::text[],
                    ${left.generation}::integer[])
          as old (partition, tenant_id, run_id, generation)
        join held using (partition)
      )
    ),
    thread_merged as (
      update thread
      set state = merge_patch(thread.state, new.patch::jsonb), version = thread.version + 1, updated_at = new.at::timestamptz
      from unnest(${patches.partition}::smallint[], ${patches.tenantId}::text[], ${patches.runId}::text[],
                  ${patches.threadId}::text[], ${patches.patch}::text[], ${patches.at}::text[])
        as new (partition, tenant_id, run_id, thread_id, patch, at)
      join held using (partition)
      where thread.tenant_id = new.tenant_id and thread.thread_id = new.thread_id
      returning thread.tenant_id, thread.thread_id, thread.version, thread.state, thread.updated_at, new.run_id
    ),
    thread_version_added as (
      insert into thread_version (tenant_id, thread_id, version, state, run_id, at)
      select tenant_id, thread_id, version, state, run_id, updated_at from thread_merged
    ),
    thread_version_dropped as (
      delete from thread_version
      using thread_merged as merged
      where thread_version.tenant_id = merged.tenant_id and thread_version.thread_id = merged.thread_id
        and thread_version.version <= merged.version - ${sql.lit(keptVersions)}
    )`;
