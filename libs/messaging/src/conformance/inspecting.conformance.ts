import { describe, expect, it } from '@jest/globals';
import { deferred, eventually } from '@millrace/testing';
import type { ConsumerStatus, MessageBus, StreamStatus } from '../bus.js';
import { ack, consumer, publishNumbers, token, type OpenWorld } from './bus-world.js';

const streamIn = async (bus: MessageBus, name: StreamStatus['name']): Promise<StreamStatus | undefined> =>
  (await bus.inspect()).find((stream) => stream.name === name);
const consumerIn = async (bus: MessageBus, name: string): Promise<ConsumerStatus | undefined> =>
  (await streamIn(bus, 'TASKS'))?.consumers.find((each) => each.name === name);

export function inspectingConformance(open: OpenWorld): void {
  describe('inspecting', () => {
    it('tells what streams hold and how far consumers are', async () => {
      await using world = await open();
      const bus = await world.connect();
      const before = await streamIn(bus, 'TASKS');
      const subject = `task.${token()}.v1`;
      const gate = deferred();
      const options = { ...consumer(subject), slots: 2 };
      await publishNumbers(bus, subject, 5);
      const consuming = await bus.consume(options, async () => {
        await gate.promise;
        return ack;
      });
      await eventually(async () => {
        const status = await consumerIn(bus, options.durableName);
        return status?.unacknowledged === 2 && status.pending === 3;
      });
      const during = await streamIn(bus, 'TASKS');
      expect((during?.messages ?? 0) - (before?.messages ?? 0)).toBe(5);
      expect(during?.bytes).toBeGreaterThan(before?.bytes ?? 0);
      expect(during?.fill).toBeGreaterThan(0);
      gate.resolve();
      await eventually(async () => {
        const status = await consumerIn(bus, options.durableName);
        return status?.unacknowledged === 0 && status.pending === 0;
      });
      await consuming.stop();
    });

    it('tells the backlog of one consumer, and of one that is not there that it is not', async () => {
      await using world = await open();
      const bus = await world.connect();
      const options = { ...consumer(`task.${token()}.v1`), slots: 2 };
      expect(await bus.backlog(options)).toBeNull();
      const gate = deferred();
      await publishNumbers(bus, options.subject, 5);
      const consuming = await bus.consume(options, async () => {
        await gate.promise;
        return ack;
      });
      await eventually(async () => {
        const backlog = await bus.backlog(options);
        return backlog?.unacknowledged === 2 && backlog.pending === 3;
      });
      gate.resolve();
      await eventually(async () => (await bus.backlog(options))?.pending === 0);
      await consuming.stop();
      const nowhere = { durableName: 'x', subject: 'nowhere.at.all' };
      await expect(bus.backlog(nowhere)).rejects.toMatchObject({ code: 'not_a_stored_subject' });
    });

    it('counts messages that were given more than once', async () => {
      await using world = await open();
      const bus = await world.connect();
      const options = consumer(`task.${token()}.v1`);
      const gate = deferred();
      const consuming = await bus.consume(options, async ({ deliveryCount }) => {
        if (deliveryCount === 1) return { kind: 'retry', delayMs: 100 };
        await gate.promise;
        return ack;
      });
      await publishNumbers(bus, options.subject, 1);
      await eventually(async () => (await consumerIn(bus, options.durableName))?.redelivered === 1);
      gate.resolve();
      await consuming.stop();
    });

    it('counts tasks that no consumer is there for, until there is one', async () => {
      await using world = await open();
      const bus = await world.connect();
      const uncovered = async (): Promise<number> => (await streamIn(bus, 'TASKS'))?.stranded.uncovered ?? 0;
      const before = await uncovered();
      const options = consumer(`task.${token()}.v1`);
      await publishNumbers(bus, options.subject, 3);
      await eventually(async () => (await uncovered()) - before === 3);
      const consuming = await bus.consume(options, () => Promise.resolve(ack));
      await eventually(async () => (await uncovered()) <= before);
      await consuming.stop();
    });
  });
}
