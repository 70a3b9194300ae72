import { setTimeout as pause } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { subscriberService } from '../subscriber/application.store.js';
import { natsAddress } from '../world/nats-address.js';

const patienceMs = 20_000;
const betweenMs = 200;
const consumerSchema = z.object({ num_pending: z.int(), num_ack_pending: z.int() });

/**
 * Waits until the subscriber has had every event and acked it, redeliveries included: a second application would come with
 * those. Gives up quietly: what it has not heard by then shows in the evidence.
 */
export async function untilSubscriberIsIdle(natsUrl: string): Promise<void> {
  const nats = await connect({ ...natsAddress(natsUrl), timeout: 10_000 });
  try {
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline && !(await isIdle(nats))) await pause(betweenMs);
  } finally {
    await nats.close();
  }
}

async function isIdle(nats: NatsConnection): Promise<boolean> {
  const subject = `$JS.API.CONSUMER.INFO.EVENTS.${subscriberService}`;
  const reply = await nats.request(subject, '', { timeout: 5_000 }).catch(() => null);
  const info = consumerSchema.safeParse(reply?.json());
  return info.success && info.data.num_pending === 0 && info.data.num_ack_pending === 0;
}
