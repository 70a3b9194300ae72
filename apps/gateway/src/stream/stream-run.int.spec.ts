import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import { connectJetStream, createInProcessBus, type MessageBus } from '@millrace/messaging';
import { eventually, type NatsServer, startNatsServer } from '@millrace/testing';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { connect } from 'node:net';
import { createTestKey, TestGateway } from '../gateway.fixture.js';
import { ScriptedOrchestrator } from '../orchestrator.fixture.js';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(async () => {
  await nats.stop();
});

const buses: readonly [string, () => Promise<MessageBus>][] = [
  ['in-process', () => Promise.resolve(createInProcessBus())],
  ['JetStream', () => connectJetStream({ servers: nats.url, name: 'gateway' })],
];

describe.each(buses)('GET /v1/runs/{id}/stream over the %s bus', (_, openBus) => {
  let gateway: TestGateway;
  let orchestrator: ScriptedOrchestrator;
  let bus: MessageBus;
  beforeAll(async () => {
    bus = await openBus();
    const environment = {
      MILLRACE_STREAM_POLL_MS: '200',
      MILLRACE_HTTP_MAX_STREAMS: '4',
      MILLRACE_STREAM_STALL_MS: '500',
    };
    gateway = await TestGateway.start({ bus, environment });
    orchestrator = await new ScriptedOrchestrator(bus).listen();
  });
  afterEach(() => {
    orchestrator.hints = true;
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await bus.drain({ graceMs: 1_000 });
  });

  async function newRun(): Promise<string> {
    const response = await gateway.call('/v1/runs', { body: { graph: 'content', input: {} } });
    return ((await response.json()) as Run).id;
  }

  interface Reader {
    readonly frames: EventSourceMessage[];
    readonly ended: Promise<void>;
    cut(): void;
  }

  async function read(runId: string, lastEventId?: string): Promise<Reader> {
    const aborted = new AbortController();
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await gateway.call(`/v1/runs/${runId}/stream`, { headers, signal: aborted.signal });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const frames: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (frame) => frames.push(frame) });
    const ended = (async () => {
      const decoder = new TextDecoder();
      try {
        for await (const chunk of response.body ?? [])
          parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
      } catch (error) {
        if (!aborted.signal.aborted) throw error;
      }
    })();
    return { frames, ended, cut: () => aborted.abort() };
  }

  const positionsIn = (frames: readonly EventSourceMessage[]) =>
    frames
      .filter(({ event }) => event !== 'token')
      .map(({ data }) => (JSON.parse(data) as { position: number }).position);
  const textIn = (frames: readonly EventSourceMessage[]) =>
    frames
      .filter(({ event }) => event === 'token')
      .map(({ data }) => (JSON.parse(data) as { text: string }).text)
      .join('');
  const node = (name: string): [string, Record<string, unknown>] => ['NodeCompleted', { node: name }];

  it('shows what was, what comes, and every token, and ends with the terminal event', async () => {
    const id = await newRun();
    await orchestrator.emit(id, 'a ', 'mill ');
    orchestrator.commit(id, [node('research')]);
    const reader = await read(id);
    await eventually(() => positionsIn(reader.frames).length === 2 && textIn(reader.frames) === 'a mill ');
    await orchestrator.emit(id, 'turns');
    orchestrator.commit(id, [node('draft'), ['RunCompleted', { output: null }]]);
    await reader.ended;
    expect(positionsIn(reader.frames)).toEqual([1, 2, 3, 4]);
    expect(textIn(reader.frames)).toBe('a mill turns');
    expect(reader.frames.at(-1)?.event).toBe('RunCompleted');
  });

  it('resumes exactly wherever it was cut', async () => {
    const id = await newRun();
    orchestrator.commit(id, [node('a'), node('b')]);
    await orchestrator.emit(id, '1', '2', '3');
    const whole = await read(id);
    await eventually(() => whole.frames.length === 6);
    whole.cut();
    await whole.ended;
    await orchestrator.emit(id, '4');
    orchestrator.commit(id, [node('c'), ['RunFailed', { error: { code: 'x', message: 'x' } }]]);
    for (const [index, { id: lastEventId }] of whole.frames.entries()) {
      const seen = whole.frames.slice(0, index + 1);
      const rest = await read(id, lastEventId);
      await rest.ended;
      expect([...positionsIn(seen), ...positionsIn(rest.frames)]).toEqual([1, 2, 3, 4, 5]);
      expect(textIn(seen) + textIn(rest.frames)).toBe('1234');
    }
  });

  it('tells a reader who has it all to stay away', async () => {
    const id = await newRun();
    orchestrator.commit(id, [['RunCompleted', { output: null }]]);
    const reader = await read(id);
    await reader.ended;
    const lastEventId = reader.frames.at(-1)?.id ?? '';
    const again = await gateway.call(`/v1/runs/${id}/stream`, { headers: { 'last-event-id': lastEventId } });
    expect(again.status).toBe(204);
  });

  it('answers HEAD at once and holds no place, though the run goes on', async () => {
    const id = await newRun();
    for (let asked = 0; asked < 6; asked += 1) {
      const response = await gateway.call(`/v1/runs/${id}/stream`, { method: 'HEAD' });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      expect(await response.text()).toBe('');
    }
    const unknown = await gateway.call(`/v1/runs/run_${'0'.repeat(32)}/stream`, { method: 'HEAD' });
    expect(unknown.status).toBe(404);
  });

  it('says that it follows a run, so that the run is hinted at', async () => {
    const id = await newRun();
    expect(orchestrator.followed.has(id)).toBe(false);
    const reader = await read(id);
    await eventually(() => orchestrator.followed.has(id));
    orchestrator.commit(id, [['RunCompleted', { output: null }]]);
    await reader.ended;
  });

  it('goes on without any hint', async () => {
    orchestrator.hints = false;
    const id = await newRun();
    const reader = await read(id);
    orchestrator.commit(id, [node('a')]);
    await eventually(() => positionsIn(reader.frames).length === 2);
    orchestrator.commit(id, [['RunCompleted', { output: null }]]);
    await reader.ended;
    expect(positionsIn(reader.frames)).toEqual([1, 2, 3]);
  });

  it('gives hints in any order, doubled or of the past, as one history', async () => {
    const id = await newRun();
    const reader = await read(id);
    orchestrator.hints = false;
    orchestrator.commit(id, [node('a'), node('b'), ['RunCompleted', { output: null }]]);
    const events = orchestrator.runs.get(id)?.events ?? [];
    orchestrator.hint(id, events.slice(3));
    orchestrator.hint(id, events.slice(0, 3));
    orchestrator.hint(id, events);
    await reader.ended;
    expect(positionsIn(reader.frames)).toEqual([1, 2, 3, 4]);
  });

  it('pages through a long history', async () => {
    const id = await newRun();
    orchestrator.commit(
      id,
      Array.from({ length: 700 }, (_, index) => node(`n${index}`)),
    );
    orchestrator.commit(id, [['RunCompleted', { output: null }]]);
    const reader = await read(id);
    await reader.ended;
    expect(positionsIn(reader.frames)).toEqual(Array.from({ length: 702 }, (_, index) => index + 1));
  });

  it.each(['', 'x', '1', '1.2.3', '-1.0', '01.0', '9'.repeat(30)])('refuses the Last-Event-ID %j', async (id) => {
    const runId = await newRun();
    const path = `/v1/runs/${runId}/stream`;
    expect(await gateway.refusal(path, { headers: { 'last-event-id': id } })).toMatchObject({
      status: 400,
      code: 'invalid_last_event_id',
    });
  });

  it('bounds the open streams of a tenant, and frees their places', async () => {
    const id = await newRun();
    const readers = [await read(id), await read(id), await read(id), await read(id)];
    const refusal = await gateway.refusal(`/v1/runs/${id}/stream`);
    expect(refusal).toMatchObject({ status: 429, code: 'too_many_streams' });
    expect(refusal.headers.get('retry-after')).not.toBeNull();
    for (const reader of readers) reader.cut();
    await eventually(async () => {
      const reader = await read(id);
      reader.cut();
    });
  });

  it('cuts readers who take nothing, and frees their places', async () => {
    const { secret: key } = await createTestKey(bus, 'slow', 'editor');
    const started = await gateway.call('/v1/runs', { key, body: { graph: 'content', input: {} } });
    const { id } = (await started.json()) as Run;
    const { hostname, port } = new URL(gateway.url);
    const head = [`GET /v1/runs/${id}/stream HTTP/1.1`, 'host: x', `x-api-key: ${key}`].join('\r\n');
    const stalled = Array.from({ length: 4 }, () => connect(Number(port), hostname).pause());
    for (const socket of stalled) socket.on('error', () => undefined).write(`${head}\r\n\r\n`);
    const statusOfOneMore = async () => {
      const response = await gateway.call(`/v1/runs/${id}/stream`, { key });
      await response.body?.cancel();
      return response.status;
    };
    await eventually(async () => (await statusOfOneMore()) === 429);
    // More than any socket buffer takes.
    const big = 'x'.repeat(60_000);
    for (let sent = 0; sent < 300; sent += 1)
      orchestrator.commit(id, [['NodeCompleted', { node: 'big', output: big }]]);
    await eventually(async () => (await statusOfOneMore()) === 200, { timeoutMs: 30_000, intervalMs: 100 });
    for (const socket of stalled) socket.destroy();
  });
});
