/** A tenant of its own for each trial, so that nothing of one trial is counted in another. */
import { MillraceClient } from '@millrace/client';
import { chaosGraphs } from '../load/graphs.js';
import type { World } from '../world/world.js';

export interface Tenant {
  readonly id: string;
  readonly apiKey: string;
  readonly client: MillraceClient;
}

export async function newTenant({ cluster }: World, id: string): Promise<Tenant> {
  const apiKey = await cluster.createKey(id, 'admin');
  const client = new MillraceClient({ baseUrl: cluster.url, apiKey, attempts: 10 });
  for (const { document } of chaosGraphs) {
    await client.publishGraph({ text: JSON.stringify(document), format: 'json' });
  }
  await client.createCollection({ name: 'chaos' });
  return { id, apiKey, client };
}
