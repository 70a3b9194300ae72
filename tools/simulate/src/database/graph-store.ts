import type { OrchestratorStores } from '@millrace/orchestrator/core';
import type { JsonObject } from '@millrace/kernel';
import type { Ask } from './stores.js';
import type { GraphRow, Tables } from './tables.js';

type Graphs = OrchestratorStores['graphs'];
type NewVersion = Parameters<Graphs['publish']>[1];

/** Not a name that a tenant can have. */
const shippedTenant = '_shipped';

export function graphStore(ask: Ask, { graphs }: Tables, now: () => number): Graphs {
  const newestOf = (tenantId: string, name: string, version?: number): GraphRow | undefined =>
    [tenantId, shippedTenant]
      .flatMap((owner) => graphs.filter((row) => row.tenantId === owner).toReversed())
      .find((row) => row.origin === 'published' && row.name === name && (version ?? row.version) === row.version);
  const add = (tenantId: string, { name, digest, description, document }: NewVersion, origin: GraphRow['origin']) => {
    const numbered = graphs.filter((row) => [tenantId, shippedTenant].includes(row.tenantId) && row.name === name);
    const known = numbered.toReversed().find((row) => row.digest === digest);
    if (known !== undefined) return known;
    const version = 1 + Math.max(0, ...numbered.map((row) => row.version));
    const createdAt = new Date(now()).toISOString();
    const row = { tenantId, name, version, digest, origin, description, createdAt, document: JSON.stringify(document) };
    graphs.push(row);
    return row;
  };
  const versionOf = (row: GraphRow) => ({ ...row, document: JSON.parse(row.document) as JsonObject });
  return {
    identify: (lookups) =>
      ask('identify graphs', () =>
        lookups.map(({ tenantId, name, version }) => {
          const found = newestOf(tenantId, name, version);
          return found && { name: found.name, version: found.version, digest: found.digest };
        }),
      ),
    documentOf: (tenantId, { name, digest }) =>
      ask('graph document', () => {
        const row = graphs.find(
          (each) => [tenantId, shippedTenant].includes(each.tenantId) && each.name === name && each.digest === digest,
        );
        return row && versionOf(row).document;
      }),
    seedShipped: (shipped) =>
      ask('seed graphs', () => shipped.forEach((graph) => add(shippedTenant, graph, 'published'))),
    keepInline: (tenantId, graph) => ask('keep graph', () => void add(tenantId, graph, 'inline')),
    publish: (tenantId, graph) => ask('publish graph', () => versionOf(add(tenantId, graph, 'published'))),
    get: (tenantId, name, version) =>
      ask('graph', () => {
        const row = newestOf(tenantId, name, version);
        return row && versionOf(row);
      }),
    list: (tenantId, afterName, limit) =>
      ask('graphs', () =>
        [...new Set(graphs.map(({ name }) => name))]
          .filter((name) => name > afterName)
          .sort()
          .flatMap((name) => newestOf(tenantId, name) ?? [])
          .slice(0, limit),
      ),
  };
}
