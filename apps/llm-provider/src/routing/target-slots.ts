import { newId } from '@millrace/kernel';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { LlmProviderTables } from '../schema/tables.js';

/**
 * Calls of a target at once, over all processes: one row a target, with who holds a slot until when. A slot is taken by one statement,
 * which adds a holder or changes nothing; that of a killed process is free again when its time is over.
 */
@Injectable()
export class TargetSlots {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>) {}

  /** Gives back the slot; null where none is free. @param forMs longer than any call holds it */
  async take(target: string, limit: number, forMs: number): Promise<(() => Promise<void>) | null> {
    const id = newId('slot');
    // By the database's clock, which is the same for all processes.
    const { rows } = await this.database.asServiceStatement(
      () => sql`
        with now as (select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms)
        insert into target_slot as slot (target, holders)
        select ${target}, jsonb_build_object(${id}::text, now.ms + ${forMs}::bigint) from now
        on conflict (target) do update set holders = excluded.holders || coalesce(
          (select jsonb_object_agg(key, value) from jsonb_each(slot.holders), now where value::bigint > now.ms), '{}')
        where (select count(*) from jsonb_each(slot.holders), now where value::bigint > now.ms) < ${limit}::int
        returning target`,
    );
    return rows.length === 0 ? null : () => this.giveBack(target, id);
  }

  private async giveBack(target: string, id: string): Promise<void> {
    await this.database.asServiceStatement(
      () => sql`update target_slot set holders = holders - ${id}::text where target = ${target}`,
    );
  }
}
