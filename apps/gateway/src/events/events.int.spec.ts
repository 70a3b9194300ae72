import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type CloudEvent,
  cloudEventHeaders,
  envelopeOf,
  eventSubject,
  runCompletedEvent,
  runStartedEvent,
} from '@millrace/contracts';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { eventually, testBackend } from '@millrace/testing';
import { connect } from 'node:net';
import { createTestKey, TestGateway } from '../gateway.fixture.js';
import { migrations } from '../schema/migrations.js';
import {
  anEvent,
  batched,
  follow,
  inProcessWorld,
  jetStreamWorld,
  page,
  publish,
  structured,
  type EventWorld,
} from './events.fixture.js';

const environment = { MILLRACE_STREAM_HEARTBEAT_MS: '50', MILLRACE_HTTP_MAX_STREAMS: '5' };
const graph = { name: 'content', version: 1, digest: 'a'.repeat(64) };
const usage = { promptTokens: 1, completionTokens: 1, costUsd: 0 };

/** What the orchestrator publishes when a run begins and ends. */
async function announceRun(bus: MessageBus, tenantId: string, runId: string): Promise<void> {
  const context = { tenantId, correlationId: `request of ${runId}`, causationId: runId };
  const started = envelopeOf(runStartedEvent, context, { runId, graph }, { id: `${runId}:1` });
  const completed = envelopeOf(runCompletedEvent, context, { runId, graph, usage }, { id: `${runId}:2` });
  const headersOf = cloudEventHeaders;
  await bus.publish({
    subject: eventSubject(runStartedEvent, tenantId),
    envelope: started,
    headers: headersOf(runStartedEvent, started),
  });
  await bus.publish({
    subject: eventSubject(runCompletedEvent, tenantId),
    envelope: completed,
    headers: headersOf(runCompletedEvent, completed),
  });
}

const idsIn = (events: readonly CloudEvent[]): string[] => events.map(({ id }) => id);

describe.each([
  ['in-process', inProcessWorld],
  ['JetStream', jetStreamWorld],
])('/v1/events over the %s bus', (_, openWorld) => {
  let world: EventWorld;
  let gateway: TestGateway;
  let otherTenant: string;
  beforeAll(async () => {
    world = await openWorld();
    gateway = await TestGateway.start({ bus: world.bus, environment });
    otherTenant = (await createTestKey(world.bus, 'other', 'editor')).secret;
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  describe('POST', () => {
    it('stores an event with all it says, and gives it back as it was', async () => {
      const sent = anEvent({
        subject: 'order 7 – „größe"',
        time: '2026-02-03T04:05:06.789+01:00',
        dataschema: 'https://shop.example/schemas/order',
        correlationid: 'basket 9',
        causationid: 'click-1',
        region: 'Zürich 100%',
        express: true,
        pieces: 3,
        data: { list: [1, null, { deep: 'ünïcode \u{1f600}' }] },
      });
      const [stored] = await publish(gateway, sent);
      expect(stored).toMatchObject({ id: sent['id'], source: '/shop', duplicate: false });
      expect(stored?.subject).toBe('custom.order.placed.v1');
      const { items } = await page(gateway, { id: String(sent['id']) });
      const asText = { express: 'true', pieces: '3' };
      expect(items).toEqual([{ ...sent, ...asText, tenantid: 'acme', datacontenttype: 'application/json' }]);
    });

    it('adds what an event leaves out', async () => {
      const { id } = anEvent();
      const sent = { specversion: '1.0', id, source: 'urn:x', type: 'ping' };
      await publish(gateway, sent, { headers: { ...structured, 'x-request-id': 'req-of-ping' } });
      const [item] = (await page(gateway, { id: String(id) })).items;
      expect(item).toMatchObject({ ...sent, tenantid: 'acme', data: null });
      expect(Date.parse(item?.time ?? '')).toBeGreaterThan(Date.now() - 60_000);
      expect(item?.correlationid).toMatch(/./);
    });

    it('stores a batch in its order', async () => {
      const events = Array.from({ length: 100 }, () => anEvent({ type: 'batch.item' }));
      const stored = await publish(gateway, events);
      expect(stored.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
      expect(idsIn((await page(gateway, { type: 'batch.item' })).items)).toEqual(events.map(({ id }) => id));
      const after = stored[97]?.cursor ?? '';
      expect((await page(gateway, { type: 'batch.item', after })).items).toHaveLength(2);
    });

    it('stores the same event once, however often it is sent at the same time', async () => {
      const event = anEvent({ type: 'repeated' });
      const answers = await Promise.all(Array.from({ length: 20 }, () => publish(gateway, event)));
      const all = answers.flat();
      expect(all.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
      expect(new Set(all.map(({ cursor }) => cursor)).size).toBe(1);
      expect((await page(gateway, { type: 'repeated' })).items).toHaveLength(1);
    });

    it('takes one id for several events only where tenant or source differ', async () => {
      const event = anEvent({ type: 'same.id', data: { first: true, second: [1, 2] } });
      await publish(gateway, event);
      const [again] = await publish(gateway, { ...event, data: { second: [1, 2], first: true } });
      expect(again?.duplicate).toBe(true);
      for (const other of [{ data: { first: false } }, { type: 'other.type' }, { region: 'north' }]) {
        const refusal = await gateway.refusal('/v1/events', { headers: structured, body: { ...event, ...other } });
        expect(refusal).toMatchObject({ status: 422, code: 'event_id_reused' });
      }
      const [elsewhere] = await publish(gateway, { ...event, source: '/elsewhere' });
      const [theirs] = await publish(gateway, event, { key: otherTenant });
      expect([elsewhere?.duplicate, theirs?.duplicate]).toEqual([false, false]);
    });

    it.each([
      ['another version', { specversion: '0.3' }, '/specversion'],
      ['no id', { id: undefined }, '/id'],
      ['an empty id', { id: '' }, '/id'],
      ['a huge id', { id: 'x'.repeat(201) }, '/id'],
      ['a control character', { id: 'a\r\nNats-Msg-Id: b' }, '/id'],
      ['no source', { source: undefined }, '/source'],
      ['a source of ours', { source: '/millrace/orchestrator' }, '/source'],
      ['a source of ours in disguise', { source: '//%4dillrace/x' }, '/source'],
      ['a source with blanks', { source: 'my shop' }, '/source'],
      ['a type of ours', { type: 'millrace.run.completed.v1' }, '/type'],
      ['a type of ours in disguise', { type: 'Millrace' }, '/type'],
      ['a wildcard', { type: '>' }, '/type'],
      ['a wildcard inside', { type: 'order.*.v1' }, '/type'],
      ['an empty token', { type: 'order..v1' }, '/type'],
      ['a dot at the end', { type: 'order.' }, '/type'],
      ['a blank', { type: 'order placed' }, '/type'],
      ['a line break', { type: 'order\r\nPUB evt.other.x 0' }, '/type'],
      ['a huge type', { type: Array.from({ length: 8 }, () => 'x'.repeat(63)).join('.') }, '/type'],
      ['too many tokens', { type: 'a.b.c.d.e.f.g.h.i' }, '/type'],
      ['a time that is none', { time: 'yesterday' }, '/time'],
      ['data that is not JSON', { datacontenttype: 'text/xml' }, '/datacontenttype'],
      ['bytes', { data_base64: 'AAAA' }, '/data_base64'],
      ['a name that is none', { 'Bad-Name': 'x' }, '/Bad-Name'],
      ['a nested attribute', { region: { north: true } }, '/region'],
      ['a huge attribute', { region: 'x'.repeat(501) }, '/region'],
      ['a null attribute', { region: null }, '/region'],
      ['another tenant', { tenantid: 'other' }, '/tenantid'],
      ['too many attributes', Object.fromEntries(Array.from({ length: 21 }, (__, n) => [`a${n}`, 'x'])), ''],
      ['large attributes', Object.fromEntries(Array.from({ length: 10 }, (__, n) => [`a${n}`, '潮'.repeat(200)])), ''],
    ])('refuses %s', async (__, fields, pointer) => {
      const refusal = await gateway.refusal('/v1/events', { headers: structured, body: anEvent(fields) });
      expect(refusal).toMatchObject({ status: 400, code: 'invalid_body' });
      expect(refusal.errors.map((each) => each.pointer)).toContain(pointer);
    });

    it('stores nothing of a batch in which one is refused', async () => {
      const after = (await page(gateway, { after: 'now' })).cursor;
      const batch = [anEvent(), anEvent({ type: 'run.*' }), anEvent()];
      const refusal = await gateway.refusal('/v1/events', { headers: batched, body: batch });
      expect(refusal).toMatchObject({ status: 400, errors: [{ pointer: '/1/type' }] });
      const large = [anEvent(), anEvent({ data: 'x'.repeat(128 * 1024) })];
      expect(await gateway.refusal('/v1/events', { headers: batched, body: large })).toMatchObject({
        status: 413,
        code: 'event_too_large',
      });
      expect((await page(gateway, { after })).items).toEqual([]);
    });

    it.each([
      ['a body of another type', 'application/json', '{}', 415, 'unsupported_media_type'],
      ['a name of JavaScript as a type', 'constructor', '{}', 415, 'unsupported_media_type'],
      ['no body', 'application/cloudevents+json', '', 400, 'empty_body'],
      ['half a body', 'application/cloudevents+json', '{"specversion": "1.0", "id":', 400, 'malformed_json'],
      ['a list as one event', 'application/cloudevents+json', '[]', 400, 'invalid_body'],
      ['an empty batch', 'application/cloudevents-batch+json', '[]', 400, 'invalid_body'],
      ['a huge batch', 'application/cloudevents-batch+json', `[${'{},'.repeat(100)}{}]`, 400, 'invalid_body'],
      ['a huge body', 'application/cloudevents+json', `"${'x'.repeat(1024 * 1024)}"`, 413, 'body_too_large'],
    ])('refuses %s', async (__, type, body, status, code) => {
      const options = { method: 'POST', headers: { 'content-type': type }, body };
      expect(await gateway.refusal('/v1/events', options)).toMatchObject({ status, code });
    });

    it('stores nothing when the caller goes away in the middle of the body', async () => {
      const event = JSON.stringify(anEvent({ type: 'half.finished' }));
      const { hostname, port } = new URL(gateway.url);
      const socket = connect(Number(port), hostname);
      const head = ['POST /v1/events HTTP/1.1', 'host: x', `x-api-key: ${gateway.keys.editor.secret}`];
      head.push('content-type: application/cloudevents+json', `content-length: ${event.length}`);
      socket.write(`${head.join('\r\n')}\r\n\r\n${event.slice(0, -1)}`);
      socket.end();
      await new Promise((resolve) => socket.once('close', resolve).resume());
      expect((await page(gateway, { type: 'half.finished' })).items).toEqual([]);
    });

    it('is for editors, and reading for viewers', async () => {
      const viewer = gateway.keys.viewer.secret;
      const options = { headers: structured, body: anEvent(), key: viewer };
      expect(await gateway.refusal('/v1/events', options)).toMatchObject({ status: 403, code: 'role_too_low' });
      expect(await gateway.refusal('/v1/events', { ...options, key: null })).toMatchObject({ status: 401 });
      expect((await page(gateway, { limit: '1' }, { key: viewer })).items).toHaveLength(1);
      expect(await gateway.refusal('/v1/events', { key: null })).toMatchObject({ status: 401 });
    });
  });

  describe('GET', () => {
    it('filters by subject, type, attributes, and what an event is about', async () => {
      const [one, two] = [`run_${'1'.repeat(32)}`, `run_${'2'.repeat(32)}`];
      const after = (await page(gateway, { after: 'now' })).cursor;
      await announceRun(world.bus, 'acme', one);
      await announceRun(world.bus, 'acme', two);
      await publish(gateway, anEvent({ id: 'a', source: '/filter', region: 'north' }));
      await publish(gateway, anEvent({ id: 'b', source: '/filter', region: 'a=b', type: 'order.paid.v1' }));
      const found = async (query: string): Promise<string[]> => {
        const response = await gateway.call(`/v1/events?after=${after}&${query}`);
        return idsIn(((await response.json()) as { items: CloudEvent[] }).items);
      };
      expect(await found('subject=run.*.v1')).toEqual([`${one}:1`, `${one}:2`, `${two}:1`, `${two}:2`]);
      expect(await found('subject=run.completed.v1')).toEqual([`${one}:2`, `${two}:2`]);
      expect(await found('type=millrace.run.completed.v1')).toEqual([`${one}:2`, `${two}:2`]);
      expect(await found(`about=${two}`)).toEqual([`${two}:1`, `${two}:2`]);
      expect(await found(`correlationid=request+of+${one}&subject=*.started.>`)).toEqual([`${one}:1`]);
      expect(await found('source=/filter')).toEqual(['a', 'b']);
      expect(await found('subject=custom.order.*.v1&attribute=region%3Da%3Db')).toEqual(['b']);
      expect(await found('attribute=region%3Dnorth&attribute=source%3D/filter')).toEqual(['a']);
      expect(await found('type=order.placed.v1&attribute=region%3Dsouth')).toEqual([]);
      expect(await found('type=no..type')).toEqual([]);
      expect(await found('attribute=constructor%3Dx')).toEqual([]);
    });

    it('shows events of Millrace with their data and where they come from', async () => {
      const runId = `run_${'3'.repeat(32)}`;
      await announceRun(world.bus, 'acme', runId);
      const { items } = await page(gateway, { about: runId, type: 'millrace.run.completed.v1' });
      expect(items).toEqual([
        {
          specversion: '1.0',
          id: `${runId}:2`,
          source: '/millrace/orchestrator',
          type: 'millrace.run.completed.v1',
          subject: runId,
          time: expect.any(String),
          datacontenttype: 'application/json',
          tenantid: 'acme',
          correlationid: `request of ${runId}`,
          causationid: runId,
          data: { runId, graph, usage },
        },
      ]);
    });

    it('never shows what is another tenant’s, though it lies in between', async () => {
      const after = (await page(gateway, { after: 'now' })).cursor;
      for (let turn = 0; turn < 5; turn += 1) {
        await publish(gateway, anEvent({ id: `mine-${turn}` }));
        await publish(gateway, anEvent({ id: `theirs-${turn}` }), { key: otherTenant });
      }
      const mine = ['mine-0', 'mine-1', 'mine-2', 'mine-3', 'mine-4'];
      expect(idsIn((await page(gateway, { after })).items)).toEqual(mine);
      expect(idsIn((await page(gateway, { after, subject: '>' })).items)).toEqual(mine);
      const theirs = await page(gateway, { after, source: '/shop' }, { key: otherTenant });
      expect(idsIn(theirs.items).every((id) => id.startsWith('theirs-'))).toBe(true);
    });

    it.each(['evt.other.>', 'other.>'])('finds nothing of others under %s', async (subject) => {
      await publish(gateway, anEvent(), { key: otherTenant });
      expect((await page(gateway, { subject })).items).toEqual([]);
    });

    it.each([
      ['subject', ''],
      ['subject', '.'],
      ['subject', 'run..v1'],
      ['subject', '>.run'],
      ['subject', 'ru*'],
      ['subject', '../other'],
      ['subject', 'run v1'],
      ['subject', 'x'.repeat(501)],
      ['limit', '0'],
      ['limit', '1001'],
      ['limit', 'all'],
      ['wait', '61'],
      ['wait', '-1'],
      ['type', ''],
      ['attribute', 'region'],
      ['attribute', 'Region=x'],
      ['kind', 'x'],
    ])('refuses %s=%j', async (name, value) => {
      const refusal = await gateway.refusal(`/v1/events?${new URLSearchParams({ [name]: value }).toString()}`);
      expect(refusal).toMatchObject({ status: 400, code: 'invalid_query' });
    });

    it.each(['x', 'e30', 'eyJzdHJlYW0iOjEsImFmdGVyIjoxfQ', 'bm93', 'eyJzdHJlYW0iOiJ4IiwiYWZ0ZXIiOi0xfQ'])(
      'refuses the cursor %j',
      async (after) => {
        const refusal = await gateway.refusal(`/v1/events?after=${after}`);
        expect(refusal).toMatchObject({ status: 400, code: 'invalid_cursor' });
      },
    );

    it('pages through everything, once each, however the filter falls', async () => {
      const events = Array.from({ length: 60 }, (__, index) =>
        anEvent({ type: 'paged', parity: index % 2 === 0 ? 'even' : 'odd' }),
      );
      const start = (await page(gateway, { after: 'now' })).cursor;
      await publish(gateway, events);
      const read = async (query: Record<string, string>): Promise<string[]> => {
        const ids: string[] = [];
        for (let after = start, more = true; more;) {
          const next = await page(gateway, { ...query, after, limit: '7' });
          ids.push(...idsIn(next.items));
          ({ cursor: after, more } = next);
        }
        return ids;
      };
      const all = events.map(({ id }) => String(id));
      expect(await read({})).toEqual(all);
      expect(await read({ attribute: 'parity=odd' })).toEqual(all.filter((__, index) => index % 2 === 1));
    });

    it('waits for the next event, and no longer than it was told to', async () => {
      const { cursor: after } = await page(gateway, { after: 'now' });
      const waiting = page(gateway, { after, wait: '30', type: 'awaited' });
      await publish(gateway, anEvent({ type: 'not.awaited' }));
      const event = anEvent({ type: 'awaited' });
      await publish(gateway, event);
      expect(idsIn((await waiting).items)).toEqual([event['id']]);
      const nothing = await page(gateway, { after: 'now', wait: '1' });
      expect(nothing).toMatchObject({ items: [], more: false });
      const early = await page(gateway, { after: nothing.cursor, wait: '0' });
      expect(early.items).toEqual([]);
    });
  });

  describe('as a stream', () => {
    it('gives what is stored, then what comes, and resumes exactly wherever it was cut', async () => {
      const start = (await page(gateway, { after: 'now' })).cursor;
      const first = await publish(gateway, [anEvent({ type: 'live' }), anEvent({ type: 'live' })]);
      const reader = await follow(gateway, { after: start, type: 'live' });
      await eventually(() => reader.events.length === 2);
      const second = await publish(gateway, [anEvent({ type: 'live' }), anEvent({ type: 'live' })]);
      await eventually(() => reader.events.length === 4);
      reader.cut();
      await reader.ended;
      const all = [...first, ...second].map(({ id }) => id);
      for (const [index, { id }] of reader.frames.filter(({ event }) => event === undefined).entries()) {
        const rest = await follow(gateway, { type: 'live' }, id);
        await eventually(() => rest.events.length === all.length - index - 1);
        rest.cut();
        await rest.ended;
        expect([...idsIn(reader.events.slice(0, index + 1)), ...idsIn(rest.events)]).toEqual(all);
      }
    });

    it('moves a reader on for whom nothing comes, past what is not for it', async () => {
      const reader = await follow(gateway, { after: 'now', type: 'never' });
      const [stored] = await publish(gateway, anEvent(), { key: otherTenant });
      await eventually(() => reader.lastId() === stored?.cursor);
      reader.cut();
      expect(reader.events).toEqual([]);
      expect(new Set(reader.frames.map(({ event }) => event))).toEqual(new Set(['position']));
    });

    it('shows nothing of another tenant', async () => {
      const reader = await follow(gateway, { after: 'now' });
      await publish(gateway, anEvent(), { key: otherTenant });
      const [mine] = await publish(gateway, anEvent());
      await eventually(() => reader.events.length > 0);
      expect(idsIn(reader.events)).toEqual([mine?.id]);
      reader.cut();
    });

    it('and long waits are bounded for each tenant', async () => {
      const readers = [];
      for (let open = 0; open < 5; open += 1) readers.push(await follow(gateway, { after: 'now' }));
      const headers = { accept: 'text/event-stream' };
      const refused = { status: 429, code: 'too_many_streams' };
      expect(await gateway.refusal('/v1/events', { headers })).toMatchObject(refused);
      expect(await gateway.refusal('/v1/events?after=now&wait=9')).toMatchObject(refused);
      const theirs = await follow(gateway, { after: 'now' }, undefined, { key: otherTenant });
      theirs.cut();
      for (const reader of readers) reader.cut();
      await eventually(async () => {
        const reader = await follow(gateway, { after: 'now' });
        reader.cut();
      });
    });

    it('answers HEAD at once', async () => {
      const response = await gateway.call('/v1/events', { method: 'HEAD', headers: { accept: 'text/event-stream' } });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    });
  });
});

describe.each([
  ['in-process', inProcessWorld],
  ['JetStream', jetStreamWorld],
])('a cursor over the %s bus', (_, openWorld) => {
  it('goes on at another replica', async () => {
    await using world = await openWorld();
    await using backend = await testBackend('pglite', [{ service: 'gateway', migrations }]);
    await using one = await TestGateway.start({ bus: world.bus, backend, environment });
    await using other = await TestGateway.start({ bus: world.bus, backend, environment });
    const reader = await follow(one, { after: 'now', type: 'moving' });
    const [first] = await publish(one, anEvent({ type: 'moving' }));
    await eventually(() => reader.events.length === 1);
    await one.service.drain({ graceMs: 10_000 });
    await reader.ended;
    const [second] = await publish(other, anEvent({ type: 'moving' }));
    const rest = await follow(other, { type: 'moving' }, reader.lastId());
    await eventually(() => rest.events.length === 1);
    expect([...idsIn(reader.events), ...idsIn(rest.events)]).toEqual([first?.id, second?.id]);
    rest.cut();
    await other.service.drain({ graceMs: 1_000 });
  });

  it('is refused when what follows it is too old to be held, and while it is not it goes on', async () => {
    await using world = await openWorld();
    await using gateway = await TestGateway.start({ bus: world.bus, environment });
    const [first, last] = await publish(gateway, [anEvent(), anEvent()]);
    await world.age();
    const expired = { status: 410, code: 'cursor_expired' };
    expect(await gateway.refusal(`/v1/events?after=${first?.cursor}`)).toMatchObject(expired);
    const headers = { accept: 'text/event-stream', 'last-event-id': first?.cursor ?? '' };
    expect(await gateway.refusal('/v1/events', { headers })).toMatchObject(expired);
    const [third] = await publish(gateway, anEvent());
    expect(idsIn((await page(gateway, { after: last?.cursor ?? '' })).items)).toEqual([third?.id]);
    expect(idsIn((await page(gateway)).items)).toEqual([third?.id]);
    await gateway.service.drain({ graceMs: 1_000 });
  });

  it('is refused when the events were wiped, though others came in their place', async () => {
    await using world = await openWorld();
    await using backend = await testBackend('pglite', [{ service: 'gateway', migrations }]);
    let gateway = await TestGateway.start({ bus: world.bus, backend, environment });
    const [old] = await publish(gateway, anEvent());
    const bus = await world.wipe();
    if (bus !== world.bus) {
      await gateway[Symbol.asyncDispose]();
      gateway = await TestGateway.start({ bus, backend, environment });
    }
    const lost = { status: 410, code: 'cursor_lost' };
    expect(await gateway.refusal(`/v1/events?after=${old?.cursor}`)).toMatchObject(lost);
    const [fresh] = await eventually(() => publish(gateway, anEvent()));
    expect(await gateway.refusal(`/v1/events?after=${old?.cursor}&wait=1`)).toMatchObject(lost);
    expect(idsIn((await page(gateway)).items)).toEqual([fresh?.id]);
    await gateway[Symbol.asyncDispose]();
  });
});

describe('a stream of events that was wiped while it was followed', () => {
  it('ends, and says so', async () => {
    await using world = await jetStreamWorld();
    await using gateway = await TestGateway.start({ bus: world.bus, environment });
    await publish(gateway, anEvent());
    const reader = await follow(gateway);
    await eventually(() => reader.events.length === 1);
    await world.wipe();
    await reader.ended;
    expect(JSON.parse(reader.frames.at(-1)?.data ?? '')).toMatchObject({ code: 'cursor_lost', status: 410 });
    expect(reader.frames.at(-1)?.event).toBe('problem');
    await gateway.service.drain({ graceMs: 1_000 });
  });
});

describe('tenants that publish much', () => {
  it('leave room for what Millrace has to say', async () => {
    const bus = createInProcessBus({ limits: { EVENTS: { maxMessages: 2_000 } } });
    await using gateway = await TestGateway.start({ bus, environment });
    const refusal = await eventually(async () => {
      const body = Array.from({ length: 100 }, () => anEvent());
      const response = await gateway.call('/v1/events', { headers: batched, body });
      return response.status !== 202 && response;
    });
    expect(await refusal.json()).toMatchObject({ status: 429, code: 'events_full' });
    expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await bus.extent('evt.>')).fullness).toBeLessThan(0.6);
    await announceRun(bus, 'acme', `run_${'4'.repeat(32)}`);
    await gateway.service.drain({ graceMs: 1_000 });
    await bus.drain({ graceMs: 0 });
  });
});
