import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import { requireStream, topology } from '../topology.js';
import type { HeldRawMessage } from '../transport.js';
import { noHeaders } from '../wire/headers.js';
import { InProcessTransport } from './in-process-transport.js';

const subject = 'task.x.v1';
const stream = requireStream(subject);

describe('a durable queue', () => {
  let transport = new InProcessTransport(topology, systemClock, () => undefined);
  afterEach(async () => {
    await transport.close();
    transport = new InProcessTransport(topology, systemClock, () => undefined);
  });

  const holding = async (): Promise<HeldRawMessage[]> => {
    const held: HeldRawMessage[] = [];
    await transport.pull({
      stream,
      durableName: 'worker',
      subject,
      ackWaitMs: 100,
      slots: 9,
      demand: () => 9,
      onMessage: (message) => void held.push(message),
    });
    return held;
  };
  const store = (messageId: string) =>
    transport.store(stream, { subject, payload: Buffer.from(messageId), headers: noHeaders, messageId }, 0);

  it('ignores the word of a holder that was silent for too long', async () => {
    const held = await holding();
    await store('contested');
    await eventually(() => held.length === 2);
    const [first, second] = held;
    first!.acknowledge();
    first!.handBack(0);
    second!.handBack(0);
    await eventually(() => held.length === 3);
    second!.acknowledge();
    await eventually(() => held.length === 4);
    expect(held.map((message) => message.deliveryCount)).toEqual([1, 2, 3, 4]);
  });

  it('takes only the first word of a holder', async () => {
    const held = await holding();
    await store('settled');
    await eventually(() => held.length === 1);
    held[0]!.acknowledge();
    held[0]!.handBack(0);
    await store('next');
    await eventually(() => held.length === 2);
    expect(held.map((message) => message.sequence)).toEqual([1, 2]);
  });
});
