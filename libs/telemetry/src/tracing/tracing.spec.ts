import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { eventually, startTraceReceiver, type ReceivedSpan, type TraceReceiver } from '@millrace/testing';
import {
  activeTraceparent,
  createLogger,
  inArrivedSpan,
  inSendingSpan,
  inSharedSpans,
  inSpan,
  inStatementSpan,
  isTracing,
  outsideTraces,
  parseLogLevels,
  recordedSpan,
  startSpan,
  startTracing,
  type SpanDescription,
  type TraceHeaders,
  type Tracing,
} from '../index.js';

let receiver: TraceReceiver;
let tracing: Tracing | undefined;
const problems: string[] = [];
beforeEach(async () => {
  receiver = await startTraceReceiver();
  problems.length = 0;
});
afterEach(async () => {
  await tracing?.shutdown({ timeoutMs: 1_000 });
  tracing = undefined;
  await receiver.close();
});

const onProblem = (message: string): void => void problems.push(message);
const start = async (environment: Record<string, string> = {}): Promise<void> => {
  tracing = await startTracing({
    service: 'millrace-spec',
    environment: { ...receiver.environment, ...environment },
    onProblem,
  });
};
const called =
  (name: string): (() => SpanDescription) =>
  () => ({ name, kind: 'internal', attributes: {} });
const arrive = <Result>(name: string, headers: TraceHeaders, work: () => Promise<Result>, waitedMs = 0) =>
  inArrivedSpan({ headers, waitedMs }, called(name), work);
const nothing = (): Promise<void> => Promise.resolve();
/** What was sent once the process has flushed. */
const sent = async (): Promise<readonly ReceivedSpan[]> => {
  await tracing?.shutdown({ timeoutMs: 5_000 });
  return receiver.spans;
};
const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const span = spans.find((each) => each.name === name);
  if (span === undefined)
    throw new Error(`There is no span ${name} among ${spans.map((each) => each.name).join(', ')}.`);
  return span;
};

const recorded = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const unrecorded = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;

describe('tracing that nobody asked for', () => {
  it.each([{}, { OTEL_TRACES_EXPORTER: 'none' }, { OTEL_SDK_DISABLED: 'true' }])('is off: %j', async (environment) => {
    const base = 'OTEL_SDK_DISABLED' in environment ? receiver.environment : {};
    tracing = await startTracing({ service: 's', environment: { ...base, ...environment }, onProblem });
    expect(isTracing()).toBe(false);
    const described = (): never => {
      throw new Error('A span was described.');
    };
    const headers = { traceparent: recorded };
    expect(await inArrivedSpan({ headers }, described, () => inSpan(described, () => Promise.resolve(1)))).toBe(1);
    expect(await inSendingSpan(headers, described, (passed) => Promise.resolve(passed))).toBe(headers);
  });
});

describe('a trace', () => {
  it('goes from what arrives through what is sent, by headers', async () => {
    await start();
    let headers: TraceHeaders = {};
    await arrive('first', {}, () =>
      inSendingSpan({ note: 'x' }, called('send'), (with_) => {
        headers = with_;
        return nothing();
      }),
    );
    await arrive('second', headers, nothing);
    const spans = await sent();
    expect(headers['note']).toBe('x');
    expect(named(spans, 'send').parentSpanId).toBe(named(spans, 'first').spanId);
    expect(named(spans, 'second').parentSpanId).toBe(named(spans, 'send').spanId);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(named(spans, 'first')).toMatchObject({ service: 'millrace-spec', parentSpanId: undefined });
  });

  it('is that of the headers where a message says what caused it', async () => {
    await start();
    await arrive('worker', {}, () => inSendingSpan({ traceparent: recorded }, called('send'), nothing));
    expect(named(await sent(), 'send')).toMatchObject({ traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16) });
  });

  it('that is not recorded stays so, and is passed on', async () => {
    await start();
    let passed: TraceHeaders = {};
    await arrive('in', { traceparent: unrecorded }, () =>
      inSendingSpan({}, called('out'), (headers) => {
        passed = headers;
        return inSpan(called('child'), nothing);
      }),
    );
    expect(passed).toEqual({ traceparent: unrecorded });
    expect(await sent()).toEqual([]);
  });

  it('begins by the share that is asked for', async () => {
    await start({ OTEL_TRACES_SAMPLER_ARG: '0' });
    await arrive('never', {}, () => inSpan(called('child'), nothing));
    expect(await sent()).toEqual([]);
  });

  it('begins anew after five minutes, with a link, recorded whatever the share', async () => {
    await start({ OTEL_TRACES_SAMPLER_ARG: '0' });
    await arrive('soon', { traceparent: recorded }, nothing, 300_000);
    await arrive('late', { traceparent: recorded }, nothing, 300_001);
    const spans = await sent();
    expect(named(spans, 'soon')).toMatchObject({ traceId: 'a'.repeat(32), links: [] });
    expect(named(spans, 'late')).toMatchObject({
      parentSpanId: undefined,
      links: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes: { 'millrace.link.reason': 'long-wait' } }],
    });
    expect(named(spans, 'late').traceId).not.toBe('a'.repeat(32));
  });

  it('does not begin in a loop in the background', async () => {
    await start();
    await arrive('request', {}, () => outsideTraces(() => inSpan(called('loop'), nothing)));
    await inStatementSpan(called('poll'), nothing);
    expect((await sent()).map(({ name }) => name)).toEqual(['request']);
  });
});

describe('a statement of several traces', () => {
  it('belongs to the first, and is linked to the others as they are to it', async () => {
    await start();
    const waiting: Promise<void>[] = [];
    const commits: ReturnType<typeof startSpan>[] = [];
    for (const name of ['a', 'b', 'c']) {
      waiting.push(arrive(name, {}, () => Promise.resolve(void commits.push(startSpan(called(`commit ${name}`))))));
    }
    await Promise.all(waiting);
    await inSharedSpans([undefined, ...commits], () => inStatementSpan(called('insert'), nothing));
    for (const commit of commits) commit?.end();
    const spans = await sent();
    const statement = named(spans, 'insert');
    expect(statement.parentSpanId).toBe(named(spans, 'commit a').spanId);
    expect(statement.links.map(({ spanId }) => spanId)).toEqual(
      ['commit b', 'commit c'].map((name) => named(spans, name).spanId),
    );
    expect(named(spans, 'commit c').links).toMatchObject([
      { spanId: statement.spanId, attributes: { 'millrace.link.reason': 'shared-statement' } },
    ]);
  });
});

describe('a span that fails', () => {
  it('tells the code and never the text', async () => {
    await start();
    const fail = (error: Error): Promise<void> =>
      arrive(error.name, {}, () => Promise.reject(error)).catch(() => undefined);
    await fail(new MillraceError('invalid', 'bad_topic', 'CANARY'));
    await fail(Object.assign(new Error('CANARY'), { name: 'PgError', code: '23505' }));
    await fail(Object.assign(new TypeError('CANARY'), { code: 'CANARY with blanks' }));
    const spans = await sent();
    expect(spans.map(({ attributes, failed }) => [attributes['error.type'], failed])).toEqual([
      ['bad_topic', true],
      ['23505', true],
      ['TypeError', true],
    ]);
    expect(receiver.text).not.toContain('CANARY');
  });
});

describe('log lines', () => {
  it('carry the ids of their span', async () => {
    await start();
    const lines: string[] = [];
    const logger = createLogger({ levels: parseLogLevels('info'), destination: { write: (line) => lines.push(line) } });
    await arrive('request', {}, () => Promise.resolve(logger.info('inside')));
    logger.info('outside');
    const { traceId, spanId } = named(await sent(), 'request');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ trace_id: traceId, span_id: spanId });
    expect(lines[1]).not.toContain('trace_id');
  });
});

describe('a collector that cannot be reached', () => {
  it('costs spans, is told of once, and holds nobody up', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '200' });
    for (let count = 0; count < 20_000; count += 1) await arrive('lost', {}, nothing);
    expect(recordedSpan()).toBeUndefined();
    await tracing?.shutdown({ timeoutMs: 300 });
    expect(activeTraceparent()).toBeUndefined();
    await eventually(() => problems.length <= 1);
  });
});

describe('wrong settings', () => {
  it.each([
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4317'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '5'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', 'many'],
  ])('are refused by name: %s=%s', async (name, value) => {
    await expect(start({ [name]: value })).rejects.toMatchObject({
      code: 'invalid_configuration',
      violations: [{ pointer: `/${name}` }],
    });
    expect(isTracing()).toBe(false);
  });
});
