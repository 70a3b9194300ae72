/** A tenant of its own for each trial, so that nothing of one trial is counted in another. */
import { MillraceClient } from '@millrace/client';
import { createKey, envelopeOf } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { connectJetStream } from '@millrace/messaging';
import { chaosGraphs } from '../load/graphs.js';
import type { World } from '../world/world.js';

export interface Tenant {
  readonly id: string;
  readonly apiKey: string;
  readonly client: MillraceClient;
}

export async function newTenant(world: World, id: string): Promise<Tenant> {
  const apiKey = await firstKey(world.nats.url, id);
  const client = new MillraceClient({ baseUrl: world.gatewayUrl, apiKey, attempts: 10 });
  for (const { document } of chaosGraphs) {
    await client.publishGraph({ text: JSON.stringify(document), format: 'json' });
  }
  await client.createCollection({ name: 'chaos' });
  return { id, apiKey, client };
}

async function firstKey(natsUrl: string, tenantId: string): Promise<string> {
  const bus = await connectJetStream({ servers: natsUrl, name: 'chaos' });
  try {
    const context = { tenantId, correlationId: newId('cor'), causationId: null };
    const envelope = envelopeOf(createKey, context, { name: 'chaos', role: 'admin', onlyFirst: false });
    const reply = createKey.response.parse(await bus.request({ subject: createKey.subject, envelope }));
    return reply.key?.secret ?? '';
  } finally {
    await bus.drain({ graceMs: 1_000 });
  }
}
