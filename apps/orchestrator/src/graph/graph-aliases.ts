import type { GraphAlias, GraphReference } from '@millrace/contracts';
import { MillraceError, notFound, systemClock } from '@millrace/kernel';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { OrchestratorTables } from '../schema/tables.js';

const mostAliases = 100;

/** What aliases of a tenant's graphs mean. Runs stay on the version that an alias meant when they were started. */
@Injectable()
export class GraphAliases {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<OrchestratorTables>) {}

  /** @throws MillraceError `unknown_alias` */
  async versionOf(tenantId: string, graph: string, alias: string): Promise<number> {
    const row = await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .selectFrom('graph_alias')
        .select('graph_version')
        .where('graph_name', '=', graph)
        .where('alias', '=', alias)
        .executeTakeFirst(),
    );
    if (row === undefined) throw unknownAlias(graph, alias);
    return row.graph_version;
  }

  /** The reference with the version that its alias means; others as they are, without a look. @throws as `versionOf` */
  async resolve(tenantId: string, reference: GraphReference): Promise<GraphReference> {
    if (typeof reference !== 'string') return reference;
    const [graph = '', alias = '1'] = reference.split('@');
    if (/^[0-9]/.test(alias)) return reference;
    return `${graph}@${await this.versionOf(tenantId, graph, alias)}`;
  }

  /** @throws MillraceError `too_many_aliases` */
  set(tenantId: string, given: Omit<GraphAlias, 'updatedAt'>): Promise<GraphAlias> {
    const now = systemClock.now();
    return this.database.forTenant(tenantId, async (transaction) => {
      const { graph, alias, version } = given;
      const known = await transaction
        .selectFrom('graph_alias')
        .select('alias')
        .where('graph_name', '=', graph)
        .forUpdate()
        .execute();
      if (known.length >= mostAliases && !known.some((each) => each.alias === alias)) throw tooMany();
      const values = { graph_version: version, updated_at: now };
      await transaction
        .insertInto('graph_alias')
        .values({ tenant_id: tenantId, graph_name: graph, alias, ...values })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'graph_name', 'alias']).doUpdateSet(values))
        .execute();
      return { ...given, updatedAt: now.toISOString() };
    });
  }

  list(tenantId: string, graph: string): Promise<GraphAlias[]> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const rows = await transaction
        .selectFrom('graph_alias')
        .selectAll()
        .where('graph_name', '=', graph)
        .orderBy('alias')
        .execute();
      return rows.map(({ alias, graph_version: version, updated_at }) => ({
        graph,
        alias,
        version,
        updatedAt: updated_at.toISOString(),
      }));
    });
  }

  /** @throws MillraceError `unknown_alias` */
  async delete(tenantId: string, graph: string, alias: string): Promise<void> {
    const { numDeletedRows } = await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .deleteFrom('graph_alias')
        .where('graph_name', '=', graph)
        .where('alias', '=', alias)
        .executeTakeFirstOrThrow(),
    );
    if (numDeletedRows === 0n) throw unknownAlias(graph, alias);
  }
}

const unknownAlias = (graph: string, alias: string): MillraceError =>
  notFound('unknown_alias', `The graph ${graph} has no alias ${alias}. GET /v1/graphs/${graph}/aliases lists them.`);

const tooMany = (): MillraceError =>
  new MillraceError('conflict', 'too_many_aliases', `The graph has ${mostAliases} aliases. Delete one first.`);
