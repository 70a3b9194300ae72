/** Webhooks over HTTP, and what becomes of events at endpoints that behave and that do not. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { CreatedWebhook, Webhook, WebhookDelivery } from '@millrace/contracts';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { backendKinds, eventually, testBackend } from '@millrace/testing';
import type { DatabaseBackend } from '@millrace/database';
import { createTestKey, TestGateway } from '../gateway.fixture.js';
import { migrations } from '../schema/migrations.js';
import { announceRun, answersStatus, createWebhook, deliveriesOf, Endpoint, secretKeys } from './webhooks.fixture.js';

jest.setTimeout(60_000);

const quick = {
  MILLRACE_GATEWAY_SECRET_KEYS: secretKeys,
  MILLRACE_WEBHOOK_LEASE_MS: '600',
  MILLRACE_WEBHOOK_TIMEOUT_MS: '400',
  MILLRACE_WEBHOOK_RETRY_MS: '20',
  MILLRACE_WEBHOOK_LONGEST_RETRY_MS: '40',
  MILLRACE_WEBHOOK_ATTEMPTS: '4',
};

describe.each(backendKinds)('webhooks on %s', (kind) => {
  let bus: MessageBus;
  let backend: DatabaseBackend;
  let endpoint: Endpoint;
  let other: Endpoint;
  let gateway: TestGateway;

  const start = (more: Readonly<Record<string, string>> = {}) =>
    TestGateway.start({
      bus,
      backend,
      environment: { ...quick, MILLRACE_WEBHOOK_ALLOW: `${endpoint.host},${other.host}`, ...more },
    });
  const admin = () => ({ key: gateway.keys.admin.secret });
  const get = async (id: string) => (await (await gateway.call(`/v1/webhooks/${id}`)).json()) as Webhook;

  beforeAll(async () => {
    bus = createInProcessBus();
    backend = await testBackend(kind, [{ service: 'gateway', migrations }]);
    [endpoint, other] = [await Endpoint.listen(), await Endpoint.listen()];
    gateway = await start();
  });
  afterEach(async () => {
    const { items } = (await (await gateway.call('/v1/webhooks')).json()) as { items: Webhook[] };
    for (const { id } of items) await gateway.call(`/v1/webhooks/${id}`, { method: 'DELETE', ...admin() });
    endpoint.received.length = 0;
    other.received.length = 0;
    endpoint.answer = answersStatus(204);
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await endpoint[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await bus.drain({ graceMs: 0 });
    await backend.close();
  });

  it('are told of what they asked for, signed, and of nothing else', async () => {
    await announceRun(bus);
    const webhook = await createWebhook(gateway, endpoint.url, [
      'millrace.run.completed.v1',
      'millrace.*.approval-requested.>',
    ]);
    await announceRun(bus, 'other');
    const runId = await announceRun(bus);
    await eventually(() => endpoint.received.length >= 2);
    const [approval, completed] = ['approval-requested', 'completed'].map(
      (action) => endpoint.of(`millrace.run.${action}.v1`)[0],
    );
    expect(approval?.event).toMatchObject({ subject: runId, data: { title: 'Publish?' } });
    expect(completed?.event).toMatchObject({
      specversion: '1.0',
      id: `${runId}:3`,
      source: '/millrace/orchestrator',
      tenantid: 'acme',
      data: { runId, usage: { promptTokens: 1 } },
    });
    expect(completed?.contentType).toBe('application/cloudevents+json; charset=utf-8');
    expect(completed?.isSignedBy(webhook.secret)).toBe(true);
    expect(completed?.isSignedBy('whsec_AAAA')).toBe(false);
    const deliveries = await eventually(async () => {
      const found = await deliveriesOf(gateway, webhook.id, '?state=delivered');
      return found.length === 2 && found;
    });
    expect(deliveries[0]).toMatchObject({ attempts: 1, lastStatus: 204, lastError: null, nextAttemptAt: null });
    expect(deliveries.map(({ id }) => id).sort()).toEqual(endpoint.received.map(({ id }) => id).sort());
    expect(endpoint.received).toHaveLength(2);
  });

  it('are told to which trace an event belongs, in every attempt, and of none where it has none', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const { id } = await createWebhook(gateway, endpoint.url);
    endpoint.answer = (response) => response.writeHead(endpoint.received.length < 2 ? 500 : 200).end();
    const run = await announceRun(bus, 'acme', undefined, traceparent);
    await eventually(() => endpoint.received.length === 2);
    expect(endpoint.received.map(({ traceparent: told }) => told)).toEqual([traceparent, traceparent]);
    expect(endpoint.received[0]?.event).toMatchObject({ subject: run });
    const none = [
      undefined,
      'x',
      `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
      `${traceparent}-more`,
      traceparent.toUpperCase(),
    ];
    for (const wrong of none) await announceRun(bus, 'acme', undefined, wrong);
    await gateway.call(`/v1/webhooks/${id}:test`, { method: 'POST', headers: { traceparent }, ...admin() });
    await eventually(() => endpoint.received.length === 2 + none.length + 1);
    const told = endpoint.received.slice(2).map((each) => [each.event.type, each.traceparent]);
    expect(told.filter(([type]) => type === 'millrace.run.completed.v1').map(([, trace]) => trace)).toEqual(
      none.map(() => ''),
    );
    expect(told.find(([type]) => type === 'millrace.webhook.test.v1')?.[1]).toBe(traceparent);
  });

  it('are told again until they take it, with the same id', async () => {
    const webhook = await createWebhook(gateway, endpoint.url);
    endpoint.answer = (response) => response.writeHead(endpoint.received.length < 3 ? 500 : 200).end();
    await announceRun(bus);
    const [delivery] = await eventually(async () => {
      const found = await deliveriesOf(gateway, webhook.id, '?state=delivered');
      return found.length === 1 && found;
    });
    expect(delivery).toMatchObject({ attempts: 3, lastStatus: 200, lastError: null });
    expect(new Set(endpoint.received.map(({ id }) => id))).toEqual(new Set([delivery?.id]));
    expect(await get(webhook.id)).toMatchObject({ enabled: true, failingSince: null });
  });

  it.each<[string, (endpoint: Endpoint, other: Endpoint) => Endpoint['answer'], string, number | null]>([
    ['refuses', () => answersStatus(503, { 'retry-after': '0' }), 'http_503', 503],
    ['finds nothing', () => answersStatus(404), 'http_404', 404],
    ['redirects', (_, to) => answersStatus(307, { location: to.url }), 'http_307', 307],
    ['hangs', () => () => undefined, 'webhook_timeout', null],
    [
      'says half a header',
      () => (response) => response.socket?.write('HTTP/1.1 200 OK\r\nx-'),
      'webhook_timeout',
      null,
    ],
    ['hangs up', () => (response) => response.socket?.destroy(), 'unreachable', null],
    ['talks nonsense', () => (response) => response.socket?.end('what?\r\n\r\n'), 'invalid_response', null],
  ])('give up on an endpoint that %s, until somebody asks again', async (_, answerOf, code, status) => {
    const webhook = await createWebhook(gateway, endpoint.url);
    endpoint.answer = answerOf(endpoint, other);
    await announceRun(bus);
    const [parked] = await eventually(async () => {
      const found = await deliveriesOf(gateway, webhook.id, '?state=parked');
      return found.length === 1 && found;
    });
    expect(parked).toMatchObject({ attempts: 4, lastError: code, lastStatus: status, nextAttemptAt: null });
    expect(await get(webhook.id)).toMatchObject({ enabled: true, failingSince: expect.any(String) });
    expect(other.received).toEqual([]);
    endpoint.answer = answersStatus(204);
    const again = await gateway.call(`/v1/webhooks/${webhook.id}/deliveries/${parked?.id}:redeliver`, {
      method: 'POST',
    });
    expect(again.status).toBe(202);
    expect(await again.json()).toMatchObject({ id: parked?.id, state: 'pending', attempts: 0 });
    await eventually(async () => (await deliveriesOf(gateway, webhook.id))[0]?.state === 'delivered');
    expect(await get(webhook.id)).toMatchObject({ failingSince: null });
  });

  it('take an answer by its status, however long it is and whether it ends or not', async () => {
    const webhook = await createWebhook(gateway, endpoint.url);
    endpoint.answer = (response) => {
      response.writeHead(200);
      const pour = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour);
      pour();
    };
    await announceRun(bus);
    await eventually(async () => (await deliveriesOf(gateway, webhook.id))[0]?.state === 'delivered');
    expect(endpoint.received).toHaveLength(1);
  });

  it('are disabled for good where the endpoint says that it is gone', async () => {
    const webhook = await createWebhook(gateway, endpoint.url);
    endpoint.answer = answersStatus(410);
    await announceRun(bus);
    await eventually(async () => !(await get(webhook.id)).enabled);
    expect(await get(webhook.id)).toMatchObject({ disabledReason: 'gone' });
    expect(await deliveriesOf(gateway, webhook.id)).toMatchObject([{ state: 'parked', lastStatus: 410 }]);
    endpoint.answer = answersStatus(204);
    await announceRun(bus);
    const enabled = await gateway.call(`/v1/webhooks/${webhook.id}`, {
      method: 'PATCH',
      body: { enabled: true },
      ...admin(),
    });
    expect(await enabled.json()).toMatchObject({ enabled: true, disabledReason: null, failingSince: null });
    const runId = await announceRun(bus);
    await eventually(() => endpoint.received.length === 2);
    expect(endpoint.received[1]?.event.subject).toBe(runId);
  });

  it('go nowhere but to the public Internet', async () => {
    const urls = ['https://10.0.0.7/x', 'https://[::1]/', 'https://169.254.169.254/latest', 'http://example.com/'];
    for (const url of [...urls, 'ftp://example.com', 'https://a:b@example.com/', 'nonsense', 'http://127.0.0.1:9/'])
      expect(await gateway.refusal('/v1/webhooks', { body: { url, events: ['>'] }, ...admin() })).toMatchObject({
        status: 400,
        code: 'invalid_webhook_url',
        errors: [{ pointer: '/url', message: expect.any(String) }],
      });
    const { id } = await createWebhook(gateway, 'https://localhost/');
    await announceRun(bus);
    const [parked] = await eventually(async () => {
      const found = await deliveriesOf(gateway, id, '?state=parked');
      return found.length === 1 && found;
    });
    expect(parked).toMatchObject({ lastError: 'address_refused', lastStatus: null });
  });

  it('sign with both secrets while these overlap', async () => {
    const webhook = await createWebhook(gateway, endpoint.url);
    const rotate = async (overlapSeconds: number) => {
      const path = `/v1/webhooks/${webhook.id}:rotate`;
      return (await (await gateway.call(path, { body: { overlapSeconds }, ...admin() })).json()) as CreatedWebhook;
    };
    const overlapping = await rotate(3_600);
    expect(overlapping.secret).not.toBe(webhook.secret);
    expect(Date.parse(overlapping.previousSecretUntil ?? '')).toBeGreaterThan(Date.now() + 3_000_000);
    await announceRun(bus);
    await eventually(() => endpoint.received.length === 1);
    const isSignedBy = (secret: string) => endpoint.received.at(-1)?.isSignedBy(secret);
    expect([isSignedBy(overlapping.secret), isSignedBy(webhook.secret)]).toEqual([true, true]);
    const alone = await rotate(0);
    expect(alone.previousSecretUntil).toBeNull();
    await announceRun(bus);
    await eventually(() => endpoint.received.length === 2);
    expect([alone, overlapping, webhook].map(({ secret }) => isSignedBy(secret))).toEqual([true, false, false]);
  });

  it('are tried on request, whatever they filter by', async () => {
    const { id } = await createWebhook(gateway, endpoint.url, ['order.placed']);
    const tried = await gateway.call(`/v1/webhooks/${id}:test`, { method: 'POST' });
    expect(tried.status).toBe(202);
    const { id: deliveryId } = (await tried.json()) as WebhookDelivery;
    await eventually(() => endpoint.received.length === 1);
    expect(endpoint.received[0]).toMatchObject({
      id: deliveryId,
      event: { type: 'millrace.webhook.test.v1', data: { webhookId: id } },
    });
    endpoint.answer = answersStatus(500);
    await gateway.call(`/v1/webhooks/${id}:test`, { method: 'POST' });
    await eventually(async () => (await deliveriesOf(gateway, id, '?state=parked')).length === 1);
    expect(await deliveriesOf(gateway, id)).toMatchObject([{ attempts: 1, lastError: 'http_500' }, { attempts: 1 }]);
  });

  it('begin where they were created, and miss nothing while no gateway is there', async () => {
    const webhook = await createWebhook(gateway, endpoint.url);
    await gateway.service.drain({ graceMs: 1_000 });
    const runs = [await announceRun(bus), await announceRun(bus), await announceRun(bus)];
    gateway = await start();
    await eventually(() => endpoint.received.length >= runs.length);
    expect(endpoint.received.map(({ event }) => event.subject).sort()).toEqual(runs.sort());
    await eventually(async () => (await deliveriesOf(gateway, webhook.id, '?state=delivered')).length === 3);
  });

  it('are told once by several replicas together', async () => {
    // On a busy machine an answer may take long, and what is not answered in time is sent again.
    const patient = { MILLRACE_WEBHOOK_TIMEOUT_MS: '30000' };
    await gateway.service.drain({ graceMs: 1_000 });
    gateway = await start(patient);
    await using second = await start(patient);
    await using third = await start(patient);
    const webhook = await createWebhook(second, endpoint.url);
    const runs = await Promise.all(Array.from({ length: 30 }, () => announceRun(bus)));
    const areDelivered = async () => (await deliveriesOf(third, webhook.id, '?state=delivered')).length === 30;
    await eventually(areDelivered, { timeoutMs: 40_000 });
    expect(endpoint.received.map(({ event }) => event.subject).sort()).toEqual(runs.sort());
    await gateway.service.drain({ graceMs: 1_000 });
    gateway = await start();
  });

  it('are disabled where nothing arrives for too long, and where too much waits', async () => {
    await gateway.service.drain({ graceMs: 1_000 });
    gateway = await start({ MILLRACE_WEBHOOK_DISABLE_AFTER_MS: '1' });
    const failing = await createWebhook(gateway, endpoint.url);
    endpoint.answer = answersStatus(500);
    await announceRun(bus);
    await eventually(async () => (await get(failing.id)).disabledReason === 'failing');
    expect((await deliveriesOf(gateway, failing.id)).map(({ state }) => state)).toEqual(['parked']);
    await gateway.service.drain({ graceMs: 1_000 });
    gateway = await start({ MILLRACE_WEBHOOK_BACKLOG: '5', MILLRACE_WEBHOOK_RETRY_MS: '60000' });
    // Made only now: an attempt that hangs for long would have disabled it as failing.
    const full = await createWebhook(gateway, other.url);
    other.answer = () => undefined;
    for (let made = 0; made < 8; made += 1) await announceRun(bus);
    await eventually(async () => (await get(full.id)).disabledReason === 'backlog');
    expect(await deliveriesOf(gateway, full.id, '?state=pending')).toEqual([]);
    await gateway.service.drain({ graceMs: 1_000 });
    other.answer = answersStatus(204);
    gateway = await start();
  });

  it('belong to their tenant, and to its admins', async () => {
    const webhook = await createWebhook(gateway, endpoint.url);
    await announceRun(bus);
    const delivery = await eventually(async () => (await deliveriesOf(gateway, webhook.id))[0] ?? false);
    const path = `/v1/webhooks/${webhook.id}`;
    const stranger = { key: (await createTestKey(bus, 'other', 'admin')).secret };
    const unknown = { status: 404, code: 'unknown_webhook' };
    const nowhere: [string, object][] = [
      [path, {}],
      [path, { method: 'DELETE' }],
      [path, { method: 'PATCH', body: { enabled: false } }],
      [`${path}:rotate`, { body: {} }],
      [`${path}:test`, { method: 'POST' }],
      [`${path}/deliveries`, {}],
      [`${path}/deliveries/${delivery.id}:redeliver`, { method: 'POST' }],
    ];
    for (const [address, options] of nowhere)
      expect(await gateway.refusal(address, { ...options, ...stranger })).toMatchObject(unknown);
    expect(await (await gateway.call('/v1/webhooks', stranger)).json()).toEqual({ items: [] });
    const tooLow = { status: 403, code: 'role_too_low' };
    const writes = nowhere.slice(1, 4);
    for (const [address, options] of [
      ...writes,
      ['/v1/webhooks', { body: { url: endpoint.url, events: ['>'] } }],
    ] as const)
      expect(await gateway.refusal(address, options)).toMatchObject(tooLow);
    expect(await gateway.refusal(path, { key: gateway.keys.viewer.secret })).toMatchObject(tooLow);
    const theirs = await createWebhook(gateway, other.url, ['>'], stranger.key);
    const mixed = `/v1/webhooks/${theirs.id}/deliveries/${delivery.id}:redeliver`;
    expect(await gateway.refusal(mixed, { method: 'POST', ...stranger })).toMatchObject({ code: 'unknown_delivery' });
    await gateway.call(`/v1/webhooks/${theirs.id}`, { method: 'DELETE', ...stranger });
  });

  it('refuse what they cannot be', async () => {
    const { url } = endpoint;
    const wrong: object[] = [
      {},
      { url },
      { url, events: [] },
      { url, events: ['a b'] },
      { url, events: ['>.a'] },
      { url, events: Array.from({ length: 21 }, () => '>') },
      { url: `https://example.com/${'x'.repeat(2_000)}`, events: ['>'] },
      { url, events: ['>'], description: 'x'.repeat(201) },
      { url, events: ['>'], secret: 'mine' },
    ];
    for (const body of wrong)
      expect(await gateway.refusal('/v1/webhooks', { body, ...admin() })).toMatchObject({ code: 'invalid_body' });
    const { id, secret } = await createWebhook(gateway, url);
    expect(secret).toMatch(/^whsec_/);
    expect(JSON.stringify(await get(id))).not.toContain('whsec');
    expect(
      await gateway.refusal(`/v1/webhooks/${id}:rotate`, { body: { overlapSeconds: 1e9 }, ...admin() }),
    ).toMatchObject({
      code: 'invalid_body',
    });
    expect(await gateway.refusal(`/v1/webhooks/whk_1`)).toMatchObject({ status: 400, code: 'invalid_path' });
    expect(await gateway.refusal(`/v1/webhooks/${id}/deliveries?cursor=x`)).toMatchObject({ code: 'invalid_cursor' });
    expect(await gateway.refusal(`/v1/webhooks/${id}/deliveries?state=lost`)).toMatchObject({ code: 'invalid_query' });
  });

  it('are 50 at most', async () => {
    for (let made = 0; made < 50; made += 1) await createWebhook(gateway, endpoint.url);
    const body = { url: endpoint.url, events: ['>'] };
    expect(await gateway.refusal('/v1/webhooks', { body, ...admin() })).toMatchObject({
      status: 409,
      code: 'too_many_webhooks',
    });
  });
});

describe('webhooks without a key to keep secrets with', () => {
  it('are refused with what an operator sets', async () => {
    await using gateway = await TestGateway.start();
    const body = { url: 'https://example.com/', events: ['>'] };
    expect(await gateway.refusal('/v1/webhooks', { body, key: gateway.keys.admin.secret })).toMatchObject({
      status: 409,
      code: 'secrets_not_configured',
      detail: expect.stringContaining('MILLRACE_GATEWAY_SECRET_KEYS'),
    });
  });
});
