/** Webhooks by the command line and the client, told of what real runs do. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CloudEvent, CreatedWebhook, WebhookDelivery } from '@millrace/contracts';
import { eventually } from '@millrace/testing';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let admin: string;
let status = 204;
const told: CloudEvent[] = [];
const endpoint = createServer((request, response) => {
  void text(request).then((body) => {
    told.push(JSON.parse(body) as CloudEvent);
    response.writeHead(status).end();
  });
});
const host = () => `127.0.0.1:${(endpoint.address() as AddressInfo).port}`;

beforeAll(async () => {
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  system = await TestSystem.start({
    MILLRACE_GATEWAY_SECRET_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
    MILLRACE_WEBHOOK_ALLOW: host(),
  });
  admin = await system.key('acme', 'admin');
}, 180_000);
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await new Promise((resolve) => endpoint.close(resolve));
});

const millrace = (...words: string[]) =>
  type(['webhooks', ...words], {
    folder: system.folder,
    environment: { MILLRACE_URL: system.url, MILLRACE_API_KEY: admin },
  });

describe('millrace webhooks', () => {
  it('are told of runs, from their beginning to their end', async () => {
    const made = await millrace('create', `http://${host()}/`, '--description', 'tests', '--json');
    const { id, secret } = JSON.parse(made.out) as CreatedWebhook;
    expect(secret).toMatch(/^whsec_/);
    const client = system.client(admin);
    const run = await client.startRun({ graph: 'diamond' }, { waitSeconds: 30 });
    expect(run.status).toBe('completed');
    await eventually(() => told.length === 2);
    expect(told.map((event) => event.type).sort()).toEqual(['millrace.run.completed.v1', 'millrace.run.started.v1']);
    expect(told.map((event) => event.subject)).toEqual([run.id, run.id]);
    await eventually(async () => (await client.webhooks.deliveries(id, { state: 'delivered' })).items.length === 2);
    expect((await millrace('deliveries', id)).out).toMatch(/millrace\.run\.completed\.v1[ │]+delivered[ │]+1 /);
    expect((await millrace('list')).out).toMatch(/millrace\.run\.>[ │]+enabled/);
    await millrace('delete', id);
  });

  it('are changed, tried, told again, given another secret, and deleted', async () => {
    const made = await millrace('create', `http://${host()}/`, '--events', 'order.placed', 'order.paid.>');
    expect(made.out).toMatch(/^whsec_\S+\n$/);
    const [webhook] = (await system.client(admin).webhooks.list()).items;
    const { id } = webhook ?? { id: '' };
    expect(webhook).toMatchObject({ events: ['order.placed', 'order.paid.>'] });
    expect((await millrace('update', id, '--events', '>', '--description', 'all')).out).toContain('of >: enabled.');
    expect((await millrace('update', id, '--to', `http://${host()}/other`)).out).toContain('/other of >');
    status = 500;
    const tried = JSON.parse((await millrace('test', id, '--json')).out) as WebhookDelivery;
    await eventually(async () => (await millrace('deliveries', id, '--state', 'parked')).out.includes(tried.id));
    status = 204;
    expect((await millrace('redeliver', id, tried.id)).out).toContain('is under way');
    await eventually(async () => (await millrace('deliveries', id, '--state', 'delivered')).out.includes(tried.id));
    expect((await millrace('rotate', id, '--overlap', '60')).out).toMatch(/^whsec_\S+\n$/);
    expect((await millrace('rotate', id, '--overlap', 'soon')).error).toContain('invalid_body');
    expect((await millrace('disable', id)).out).toContain('disabled: by-owner.');
    expect((await millrace('enable', id)).out).toContain('enabled.');
    expect((await millrace('delete', id)).out).toBe(`${id} is deleted.\n`);
    expect((await millrace('test', id)).error).toContain('unknown_webhook');
    expect((await millrace('list')).out).toBe('There are no webhooks.\n');
    expect((await millrace('create', 'http://10.1.2.3/')).error).toContain('invalid_webhook_url');
  });
});
