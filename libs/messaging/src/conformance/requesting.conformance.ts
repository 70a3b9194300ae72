import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { deferred, eventually } from '@millrace/testing';
import type { IncomingMessage, MessageBus } from '../bus.js';
import { codeOf, message, numbers, token, type BusWorld, type OpenWorld } from './bus-world.js';

const options = { queue: 'responders', maxInFlight: 100 };

export function requestingConformance(open: OpenWorld): void {
  describe('request and respond', () => {
    let world: BusWorld;
    let caller: MessageBus;
    let responder: MessageBus;
    beforeAll(async () => {
      world = await open();
      caller = await world.connect();
      responder = await world.connect();
    });
    afterAll(() => world.close());

    it('carries data, headers and the envelope there, and the answer back', async () => {
      const subject = `cmd.${token()}.v1`;
      let got: IncomingMessage | undefined;
      await responder.respond(subject, options, (incoming) => {
        got = incoming;
        return Promise.resolve({ doubled: 42 });
      });
      const sent = { ...message(subject, 21), headers: { traceparent: 'abc' } };
      expect(await caller.request(sent)).toEqual({ doubled: 42 });
      expect(got).toEqual(sent);
    });

    it('answers null for undefined, and each of many requests its own', async () => {
      const subject = `cmd.${token()}.v1`;
      await responder.respond(subject, options, ({ envelope }) =>
        Promise.resolve(envelope.data === 0 ? undefined : envelope.data),
      );
      const replies = await Promise.all(numbers(100).map((number) => caller.request(message(subject, number))));
      expect(replies).toEqual([null, ...numbers(99, 1)]);
    });

    it('carries what the handler threw as its kind, code, message and violations', async () => {
      const subject = `cmd.${token()}.v1`;
      const violations = [{ pointer: '/topic', message: 'is missing' }];
      await responder.respond(subject, options, () => {
        throw new MillraceError('invalid', 'bad_input', 'No topic.', { violations });
      });
      await expect(caller.request(message(subject, 1))).rejects.toMatchObject({
        name: 'MillraceError',
        kind: 'invalid',
        code: 'bad_input',
        message: 'No topic.',
        violations,
        retryable: false,
      });
    });

    it('says nothing of an unexpected error but internal_error, and reports it', async () => {
      const subject = `cmd.${token()}.v1`;
      await responder.respond(subject, options, () => Promise.reject(new Error('canary-secret')));
      const failure = await caller.request(message(subject, 1)).catch((error: unknown) => error);
      expect(failure).toMatchObject({ kind: 'internal', code: 'internal_error' });
      expect(JSON.stringify((failure as MillraceError).toShape())).not.toContain('canary-secret');
      expect(world.problems.some((problem) => problem.subject === subject && problem.code === 'handler_failed')).toBe(
        true,
      );
    });

    it('says at once when nobody answers', async () => {
      const subject = `cmd.${token()}.v1`;
      await expect(caller.request(message(subject, 1), { timeoutMs: 60_000 })).rejects.toMatchObject({
        kind: 'unavailable',
        code: 'no_responders',
        retryable: true,
      });
    });

    it('ends with request_timeout when the answer does not come', async () => {
      const subject = `cmd.${token()}.v1`;
      const gate = deferred();
      await responder.respond(subject, options, () => gate.promise);
      await expect(caller.request(message(subject, 1), { timeoutMs: 100 })).rejects.toMatchObject({
        kind: 'timeout',
        code: 'request_timeout',
        retryable: true,
      });
      gate.resolve();
    });

    it('ends when its signal aborts, before or while it waits', async () => {
      const subject = `cmd.${token()}.v1`;
      const gate = deferred();
      let asked = 0;
      await responder.respond(subject, options, () => {
        asked += 1;
        return gate.promise;
      });
      const abort = new AbortController();
      const request = codeOf(caller.request(message(subject, 1), { signal: abort.signal }));
      await eventually(() => asked === 1);
      abort.abort();
      expect(await request).toBe('request_cancelled');
      expect(await codeOf(caller.request(message(subject, 1), { signal: AbortSignal.abort() }))).toBe(
        'request_cancelled',
      );
      gate.resolve();
    });

    it('answers overloaded beyond the bound, at once, and goes on', async () => {
      const subject = `cmd.${token()}.v1`;
      const gate = deferred();
      await responder.respond(subject, { queue: 'q', maxInFlight: 2 }, () => gate.promise);
      const outcomes = numbers(5).map((number) => codeOf(caller.request(message(subject, number))));
      await expect(caller.request(message(subject, 9))).rejects.toMatchObject({
        kind: 'overloaded',
        code: 'overloaded',
        retryAfterSeconds: 1,
      });
      gate.resolve();
      expect((await Promise.all(outcomes)).toSorted()).toEqual([
        'it did not fail',
        'it did not fail',
        'overloaded',
        'overloaded',
        'overloaded',
      ]);
      expect(await caller.request(message(subject, 1))).toBeNull();
    });

    it('shares the requests of one queue, and gives each queue its own', async () => {
      const subject = `cmd.${token()}.v1`;
      const answered = { one: 0, two: 0 };
      await responder.respond(subject, options, () => Promise.resolve((answered.one += 1)));
      await caller.respond(subject, options, () => Promise.resolve((answered.two += 1)));
      await Promise.all(numbers(100).map((number) => caller.request(message(subject, number))));
      expect(answered.one + answered.two).toBe(100);
      expect(Math.min(answered.one, answered.two)).toBeGreaterThan(0);
    });

    it.each(['{"broken', '{"id":"x"}', ''])('answers invalid_message to %j', async (text) => {
      const subject = `cmd.${token()}.v1`;
      await responder.respond(subject, options, () => Promise.resolve('never'));
      const reply: unknown = JSON.parse(Buffer.from(await world.requestRaw(subject, Buffer.from(text))).toString());
      expect(reply).toMatchObject({ error: { kind: 'invalid', code: 'invalid_message' } });
    });

    it('refuses a stored subject, whose receipt would pass for the reply', async () => {
      expect(await codeOf(caller.request(message(`task.${token()}.v1`, 1)))).toBe('stored_subject');
    });

    it('refuses nonsense as a bound', async () => {
      const start = responder.respond(`cmd.${token()}.v1`, { queue: 'q', maxInFlight: 0 }, () => Promise.resolve(1));
      expect(await codeOf(start)).toBe('invalid_responder');
    });

    it('answers what it took when it stops, and takes nothing new', async () => {
      const subject = `cmd.${token()}.v1`;
      const gate = deferred<string>();
      let asked = 0;
      const subscription = await responder.respond(subject, options, () => {
        asked += 1;
        return gate.promise;
      });
      const request = caller.request(message(subject, 1));
      await eventually(() => asked === 1);
      const stopping = subscription.stop();
      await eventually(
        async () => (await codeOf(caller.request(message(subject, 2), { timeoutMs: 500 }))) === 'no_responders',
      );
      gate.resolve('finished');
      expect(await request).toBe('finished');
      await stopping;
    });
  });
}
