/**
 * The SQL of graph versions. Shipped graphs belong to a pseudo-tenant whose name no tenant can have, and a policy lets
 * every tenant read it. A tenant's own graph of the same name goes before the shipped one and continues its numbers.
 */
import type { GraphIdentity } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import type { JsonObject } from '@millrace/kernel';
import { sql } from 'kysely';
import type { OrchestratorTables } from '../schema/tables.js';

/** Not a name that `tenantIdSchema` accepts. */
const shippedTenant = '_shipped';

export interface GraphVersion extends GraphIdentity {
  readonly description: string;
  readonly createdAt: string;
  readonly document: JsonObject;
}

export interface NewGraphVersion {
  readonly name: string;
  readonly digest: string;
  readonly description: string;
  readonly document: JsonObject;
}

export interface GraphLookup {
  readonly tenantId: string;
  readonly name: string;
  /** The newest where it is undefined. */
  readonly version?: number | undefined;
}

export class GraphStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** Which versions names mean now, for many callers at once; undefined where there is none. Answers are in the order of the lookups. */
  async identify(lookups: readonly GraphLookup[]): Promise<(GraphIdentity | undefined)[]> {
    const found = await this.database.asServiceStatement(
      () => sql<GraphIdentity & { place: number }>`
        select distinct on (wanted.place) wanted.place, graph.name, graph.version, graph.digest
        from unnest(${lookups.map((_, place) => place)}::integer[], ${lookups.map((each) => each.tenantId)}::text[],
                    ${lookups.map((each) => each.name)}::text[], ${lookups.map((each) => each.version ?? null)}::integer[])
          as wanted (place, tenant_id, name, version)
        join graph_version as graph
          on graph.tenant_id in (wanted.tenant_id, ${shippedTenant}) and graph.name = wanted.name
          and graph.origin = 'published' and (wanted.version is null or graph.version = wanted.version)
        order by wanted.place, (graph.tenant_id = ${shippedTenant}), graph.version desc`,
    );
    const byPlace = new Map(found.rows.map(({ place, name, version, digest }) => [place, { name, version, digest }]));
    return lookups.map((_, place) => byPlace.get(place));
  }

  /** The document of a version that a run is on, or undefined. */
  async documentOf(tenantId: string, { name, digest }: GraphIdentity): Promise<JsonObject | undefined> {
    const row = await this.database.asService((transaction) =>
      transaction
        .selectFrom('graph_version')
        .select('document')
        .where('tenant_id', 'in', [tenantId, shippedTenant])
        .where('name', '=', name)
        .where('digest', '=', digest)
        .limit(1)
        .executeTakeFirst(),
    );
    return row?.document;
  }

  /** Adds the versions of the shipped graphs that are not there yet. Safe to be done by several replicas at once. */
  async seedShipped(graphs: readonly NewGraphVersion[]): Promise<void> {
    for (const graph of graphs) {
      while (
        (await this.database.asService((transaction) => this.add(transaction, shippedTenant, graph))) === undefined
      );
    }
  }

  /** Keeps a document that came with a run, under a name made of its digest. */
  async keepInline(tenantId: string, graph: NewGraphVersion): Promise<void> {
    await this.database.asService((transaction) =>
      transaction
        .insertInto('graph_version')
        .values({
          ...{ tenant_id: tenantId, name: graph.name, version: 1, digest: graph.digest, origin: 'inline' as const },
          description: graph.description,
          document: JSON.stringify(graph.document),
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
  }

  /** Publishes a version for a tenant; the same document again gives the version that there is. */
  async publish(tenantId: string, graph: NewGraphVersion): Promise<GraphVersion> {
    for (;;) {
      // Undefined: somebody else published under this name at the same time, and took the number.
      const added = await this.database.forTenant(tenantId, (transaction) => this.add(transaction, tenantId, graph));
      if (added !== undefined) return added;
    }
  }

  async get(tenantId: string, name: string, version?: number): Promise<GraphVersion | undefined> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      const found = await sql<GraphVersionRow>`
        select name, version, digest, description, created_at, document
        from graph_version
        where name = ${name} and origin = 'published' and (${version ?? null}::integer is null or version = ${version ?? null})
        order by (tenant_id = ${shippedTenant}), version desc
        limit 1`.execute(transaction);
      const [row] = found.rows;
      return row && graphVersionOf(row);
    });
  }

  /** The newest version of each name after `afterName`, by name, without documents. */
  async list(tenantId: string, afterName: string, limit: number): Promise<Omit<GraphVersion, 'document'>[]> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      const found = await sql<Omit<GraphVersionRow, 'document'>>`
        select distinct on (name) name, version, digest, description, created_at
        from graph_version
        where name > ${afterName} and origin = 'published'
        order by name, (tenant_id = ${shippedTenant}), version desc
        limit ${limit}`.execute(transaction);
      return found.rows.map(({ created_at, ...row }) => ({ ...row, createdAt: created_at.toISOString() }));
    });
  }

  /** The version of this document, made if it is new; undefined where its number was taken meanwhile. */
  private async add(transaction: Work, tenantId: string, graph: NewGraphVersion): Promise<GraphVersion | undefined> {
    const { name, digest, description, document } = graph;
    const found = await sql<GraphVersionRow>`
      with known as (
        select name, version, digest, description, created_at, document
        from graph_version
        where tenant_id in (${tenantId}, ${shippedTenant}) and name = ${name} and digest = ${digest}
        order by (tenant_id = ${shippedTenant})
        limit 1
      ),
      added as (
        insert into graph_version (tenant_id, name, version, digest, origin, description, document)
        select ${tenantId}, ${name}, coalesce(max(version), 0) + 1, ${digest}, 'published', ${description},
               ${JSON.stringify(document)}::jsonb
        from graph_version
        where tenant_id in (${tenantId}, ${shippedTenant}) and name = ${name}
        having not exists (select from known)
        on conflict do nothing
        returning name, version, digest, description, created_at, document
      )
      select * from known union all select * from added`.execute(transaction);
    const [row] = found.rows;
    return row && graphVersionOf(row);
  }
}

type Work = Parameters<Parameters<Database<OrchestratorTables>['asService']>[0]>[0];

interface GraphVersionRow extends GraphIdentity {
  description: string;
  created_at: Date;
  document: JsonObject;
}

const graphVersionOf = ({ created_at, ...row }: GraphVersionRow): GraphVersion => ({
  ...row,
  createdAt: created_at.toISOString(),
});
