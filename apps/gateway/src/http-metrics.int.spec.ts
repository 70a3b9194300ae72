import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@millrace/kernel';
import { renderMetrics } from '@millrace/telemetry';
import { eventually, MetricsPage } from '@millrace/testing';
import { TestGateway } from './gateway.fixture.js';
import { ScriptedOrchestrator } from './orchestrator.fixture.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start();
  await new ScriptedOrchestrator(gateway.bus).listen();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const requests = 'http_server_request_duration_seconds_count';
const scrape = async (): Promise<MetricsPage> => new MetricsPage(await renderMetrics());

const keyOf = ({ name, labels }: MetricsPage['series'][number]): string => `${name} ${JSON.stringify(labels)}`;

describe('the metrics of HTTP', () => {
  it('are nowhere on the public port', async () => {
    expect(await gateway.refusal('/metrics', { key: gateway.keys.admin.secret })).toMatchObject({ status: 404 });
  });

  it('count every route under its pattern, its method and its status', async () => {
    await gateway.call(`/v1/runs/${newId('run')}`);
    await gateway.call('/v1/runs/run_2', { key: null });
    await gateway.call('/nowhere/at/all');
    await gateway.call('/v1/runs/run_3', { method: 'PROPFIND' });
    const route = { http_route: '/v1/runs/:id', http_request_method: 'GET' };
    await eventually(async () => {
      const page = await scrape();
      return (
        page.sum(requests, { ...route, http_response_status_code: '404' }) === 1 &&
        page.sum(requests, { ...route, http_response_status_code: '401' }) === 1 &&
        page.has(requests, { http_route: 'unmatched', http_request_method: 'GET', http_response_status_code: '404' }) &&
        page.has(requests, { http_route: 'unmatched', http_request_method: 'other' }) &&
        page.sum('http_server_active_requests') === 0
      );
    });
  });

  it('keep no series for what a caller made up', async () => {
    await gateway.call(`/v1/runs/${newId('run')}`);
    await gateway.call('/made/up');
    await eventually(async () =>
      (await scrape()).has(requests, { http_route: '/v1/runs/:id', http_response_status_code: '404' }),
    );
    const before = new Set((await scrape()).series.map(keyOf));
    const addresses = Array.from({ length: 200 }, () => `/v1/runs/${newId('run')}`);
    for (const address of addresses) await gateway.call(address);
    await Promise.all(addresses.map((_, index) => gateway.call(`/made/up/${index}`)));
    const page = await scrape();
    expect(page.series.map(keyOf).filter((key) => !before.has(key))).toEqual([]);
    expect(page.text).not.toMatch(/run_0|made/);
  });

  it('count a request whose caller went away before its answer', async () => {
    const abandon = new AbortController();
    const call = gateway.call('/v1/runs/run_1/stream', { signal: abandon.signal });
    await call.catch(() => undefined);
    abandon.abort();
    await eventually(async () => (await scrape()).sum('http_server_active_requests') === 0);
  });
});
