import { describe, expect, it } from '@jest/globals';
import { deferred, MetricsPage } from '@millrace/testing';
import fc from 'fast-check';
import { describedMetrics, renderMetrics, sampleAtScrapes } from '../index.js';
import { counter, gauge, histogram } from './instruments.js';
import { gateOf, oneOf, upTo } from './label-values.js';

let made = 0;
/** The registry belongs to the process, so every test takes a name of its own. */
const fresh = <const Labels extends Parameters<typeof counter>[0]['labels']>(labels: Labels) => {
  made += 1;
  const exposed = `spec_metric_${made}`;
  const definition = {
    name: `spec.metric_${made}`,
    unit: '1',
    description: 'Of a spec',
    from: 'specs',
    labels,
  } as const;
  return { definition, exposed };
};
const scrape = async (): Promise<MetricsPage> => new MetricsPage(await renderMetrics());

describe('a counter', () => {
  it('shows from its first cell on, with zero, and adds up', async () => {
    const { definition, exposed } = fresh({ 'http.route': upTo(5, 'a spec') });
    const requests = counter(definition);
    expect((await scrape()).names).not.toContain(`${exposed}_total`);
    const cell = requests.at({ 'http.route': '/a' });
    expect((await scrape()).sum(`${exposed}_total`, { http_route: '/a' })).toBe(0);
    cell.add(2);
    requests.at({ 'http.route': '/a' }).add(3);
    expect((await scrape()).sum(`${exposed}_total`, { http_route: '/a' })).toBe(5);
  });

  it('leaves out a label that is empty', async () => {
    const { definition, exposed } = fresh({ 'error.type': oneOf('', 'timeout') });
    counter(definition).at({ 'error.type': '' }).add(1);
    expect((await scrape()).text).toContain(`\n${exposed}_total 1\n`);
  });
});

describe('a histogram', () => {
  it('counts what is at most its bounds, and everything', async () => {
    const { definition, exposed } = fresh({});
    const cell = histogram(definition, [1, 2, 5]).at({});
    for (const value of [0.5, 1, 1.5, 5, 7]) cell.record(value);
    const page = await scrape();
    const buckets = ['1', '2', '5', '+Inf'].map((le) => page.sum(`${exposed}_bucket`, { le }));
    expect(buckets).toEqual([2, 3, 4, 5]);
    expect(page.sum(`${exposed}_sum`)).toBe(15);
    expect(page.sum(`${exposed}_count`)).toBe(5);
  });

  it('has buckets that never shrink and end in its count, whatever is recorded', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1, max: 100 })), (values) => {
        const { definition } = fresh({});
        const cell = histogram(definition, [0.1, 1, 10]).at({}) as unknown as {
          record(value: number): void;
          read(): { buckets: [string, number][]; count: number };
        };
        for (const value of values) cell.record(value);
        const { buckets, count } = cell.read();
        expect(count).toBe(values.length);
        expect(buckets.map(([, below]) => below)).toEqual(
          [0.1, 1, 10, Infinity].map((bound) => values.filter((value) => value <= bound).length),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('a gauge', () => {
  it('is read with every scrape, and shows nothing once nobody reads it any more', async () => {
    const { definition, exposed } = fresh({});
    let value = 3;
    const stop = gauge(definition).observe(() => [{ labels: {}, value }]);
    expect((await scrape()).sum(exposed)).toBe(3);
    value = 4;
    expect((await scrape()).sum(exposed)).toBe(4);
    stop();
    expect((await scrape()).has(exposed)).toBe(false);
  });

  it.each([
    ['sum', 7],
    ['max', 4],
  ] as const)('puts readings of several observers together as their %s', async (merge, expected) => {
    const { definition, exposed } = fresh({});
    const metric = gauge(definition, merge);
    const stops = [3, 4].map((value) => metric.observe(() => [{ labels: {}, value }]));
    expect((await scrape()).sum(exposed)).toBe(expected);
    for (const stop of stops) stop();
  });
});

describe('label values', () => {
  it('outside of a closed set are one', () => {
    const gate = gateOf(oneOf('a', 'b'));
    expect(['a', 'b', 'c', 'run_123', ''].map(gate)).toEqual(['a', 'b', 'other', 'other', 'other']);
  });

  it('never grow beyond their bound, whatever comes, and stay what they were', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 200 }), { maxLength: 60 }), (values) => {
        const gate = gateOf(upTo(5, 'a spec'));
        const first = values.map(gate);
        expect(new Set(first.filter((value) => value !== 'other')).size).toBeLessThanOrEqual(5);
        expect(values.map(gate)).toEqual(first);
      }),
    );
  });

  it('keep the series of a metric bounded under ids that never repeat', async () => {
    const { definition, exposed } = fresh({ 'millrace.code': upTo(10, 'a spec'), 'error.type': oneOf('timeout') });
    const metric = counter(definition);
    for (let index = 0; index < 10_000; index += 1)
      metric.at({ 'millrace.code': `run_${index}`, 'error.type': `x${index}` as 'timeout' }).add(1);
    const page = await scrape();
    const series = page.series.filter(({ name }) => name === `${exposed}_total`);
    expect(series).toHaveLength(11);
    expect(page.sum(`${exposed}_total`)).toBe(10_000);
  });

  it('are text that the format can carry', async () => {
    const { definition, exposed } = fresh({ 'http.route': upTo(100, 'a spec') });
    const metric = counter(definition);
    for (const route of ['/a"b', '/back\\slash', '/{id}', '/line\nbreak', '/ümlaut'])
      metric.at({ 'http.route': route }).add(1);
    const page = await scrape();
    expect(page.sum(`${exposed}_total`)).toBe(5);
    expect(page.sum(`${exposed}_total`, { http_route: '/a"b' })).toBe(1);
    expect(page.sum(`${exposed}_total`, { http_route: '/back\\slash' })).toBe(1);
    expect(page.sum(`${exposed}_total`, { http_route: 'other' })).toBe(2);
  });
});

describe('sampling', () => {
  it('asks once per interval and once at a time, however many scrape', async () => {
    let asked = 0;
    const gate = deferred();
    const sampled = sampleAtScrapes({
      everyMs: 60_000,
      timeoutMs: 10_000,
      take: async () => {
        asked += 1;
        await gate.promise;
        return asked;
      },
      onFailure: () => undefined,
    });
    const scrapes = [renderMetrics(), renderMetrics(), renderMetrics()];
    gate.resolve();
    await Promise.all(scrapes);
    await renderMetrics();
    expect(asked).toBe(1);
    expect(sampled.latest()).toBe(1);
    sampled.stop();
  });

  it('lets no source hold a scrape, asks none again that has not answered, and shows nothing of it', async () => {
    let asked = 0;
    const failures: unknown[] = [];
    const sampled = sampleAtScrapes<number>({
      everyMs: 0,
      timeoutMs: 20,
      take: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
      onFailure: (error) => failures.push(error),
    });
    await renderMetrics();
    await renderMetrics();
    expect(asked).toBe(1);
    expect(failures.map(String)).toEqual(['Error: The sample took longer than 20 ms.']);
    expect(sampled.latest()).toBeUndefined();
    sampled.stop();
  });

  it('forgets what is no longer true when a source fails', async () => {
    let works = true;
    const sampled = sampleAtScrapes({
      everyMs: 0,
      timeoutMs: 1_000,
      take: () => (works ? Promise.resolve(7) : Promise.reject(new Error('away'))),
      onFailure: () => undefined,
    });
    await renderMetrics();
    expect(sampled.latest()).toBe(7);
    works = false;
    await renderMetrics();
    expect(sampled.latest()).toBeUndefined();
    sampled.stop();
  });
});

describe('the catalogue', () => {
  const catalogue = describedMetrics().filter(({ definition }) => !definition.name.startsWith('spec.'));

  it.each(catalogue.map((metric) => [metric.exposedName, metric] as const))(
    '%s follows the conventions',
    (name, metric) => {
      const { definition, type } = metric;
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(definition.description.length).toBeGreaterThan(10);
      for (const [label, values] of Object.entries(definition.labels)) {
        expect(label).toMatch(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/);
        // A person's, a tenant's or a message's own words are no set.
        expect(label).not.toMatch(/tenant|run\.id|user|topic|graph|correlation|message\.id/);
        expect(values.kind === 'closed' ? values.values.size : values.most).toBeLessThanOrEqual(200);
      }
    },
  );
});
