import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { backendKinds, deferred, eventually } from '@millrace/testing';
import { createTestKey, TestGateway } from '../gateway.fixture.js';
import { ScriptedOrchestrator } from '../orchestrator.fixture.js';

const body = { graph: 'content', input: { topic: 'mills' } };
const leaseMs = 300;

describe.each(backendKinds)('POST /v1/runs on %s', (backend) => {
  let gateway: TestGateway;
  let orchestrator: ScriptedOrchestrator;
  beforeAll(async () => {
    const environment = { MILLRACE_STREAM_POLL_MS: '100', MILLRACE_IDEMPOTENCY_LEASE_MS: String(leaseMs) };
    gateway = await TestGateway.start({ backend, environment });
    orchestrator = await new ScriptedOrchestrator(gateway.bus).listen();
  });
  afterEach(() => {
    orchestrator.starts.length = 0;
    orchestrator.beforeStart = undefined;
    orchestrator.hints = true;
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
  });

  const start = (headers: Record<string, string> = {}, sent: unknown = body) =>
    gateway.call('/v1/runs', { body: sent, headers });
  const runIn = async (response: Response) => (await response.json()) as Run;

  it('answers 202 with the run that is stored, and where it is', async () => {
    const response = await start({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });
    const run = await runIn(response);
    expect(response.status).toBe(202);
    expect(run).toMatchObject({ status: 'running', input: body.input });
    expect(response.headers.get('location')).toBe(`/v1/runs/${run.id}`);
    expect(orchestrator.starts).toMatchObject([{ runId: run.id, traceparent: expect.stringContaining('00-aaa') }]);
    expect((await runIn(await gateway.call(`/v1/runs/${run.id}`))).id).toBe(run.id);
  });

  it.each([
    ['invalid_input', '/input/topic'],
    ['invalid_graph', '/graph/topic'],
  ])('points at the place in the body that %s speaks of', async (code, pointer) => {
    const violations = [{ pointer: '/topic', message: 'is missing' }];
    orchestrator.beforeStart = () =>
      Promise.reject(new MillraceError('invalid', code, 'It does not fit.', { violations }));
    const refusal = await gateway.refusal('/v1/runs', { body });
    expect(refusal).toMatchObject({ status: 400, code, errors: [{ pointer, message: 'is missing' }] });
  });

  it('hides the run from other tenants on every route', async () => {
    const { id } = await runIn(await start());
    const other = await createTestKey(gateway.bus, 'other', 'admin');
    const routes = [`/v1/runs/${id}`, `/v1/runs/${id}/events`, `/v1/runs/${id}/stream`];
    for (const path of routes) {
      expect(await gateway.refusal(path, { key: other.secret })).toMatchObject({ status: 404, code: 'unknown_run' });
    }
    const cancel = await gateway.refusal(`/v1/runs/${id}/cancel`, { method: 'POST', key: other.secret });
    expect(cancel).toMatchObject({ status: 404, code: 'unknown_run' });
  });

  describe('with Prefer: wait', () => {
    it.each([[true], [false]])('answers 200 as soon as the run has ended (hints: %s)', async (hints) => {
      orchestrator.hints = hints;
      const waiting = start({ prefer: 'respond-async, wait=30' });
      await eventually(() => orchestrator.starts.length === 1);
      orchestrator.commit(orchestrator.starts[0]?.runId ?? '', [['RunCompleted', { output: null }]]);
      const response = await waiting;
      expect(response.status).toBe(200);
      expect(await runIn(response)).toMatchObject({ status: 'completed' });
      expect(response.headers.get('preference-applied')).toBe('wait=30');
    });

    it('takes a hint for its word only where it is about the run of this tenant', async () => {
      const waiting = start({ prefer: 'wait=30' });
      await eventually(() => orchestrator.starts.length === 1);
      const { runId = '' } = orchestrator.starts[0] ?? {};
      const stolen = { ...(orchestrator.runs.get(runId)?.run as Run), status: 'completed', output: 'theirs' } as const;
      orchestrator.hintEnd(runId, stolen, 'other');
      orchestrator.hints = false;
      orchestrator.commit(runId, [['RunCompleted', { output: null }]]);
      orchestrator.hintEnd(runId, null);
      expect(await runIn(await waiting)).toMatchObject({ status: 'completed', output: { words: 3 } });
    });

    it('answers with the run as it is now where an earlier answer is given again', async () => {
      const headers = { 'idempotency-key': 'waited-for-later', prefer: 'wait=30' };
      const { id } = await runIn(await start({ 'idempotency-key': 'waited-for-later' }));
      orchestrator.hints = false;
      orchestrator.commit(id, [['RunCompleted', { output: null }]]);
      const again = await start(headers);
      expect(again.status).toBe(200);
      expect(await runIn(again)).toMatchObject({ id, status: 'completed' });
    });

    it('answers 202 with the run as it is when the time is over', async () => {
      const response = await start({ prefer: 'wait=1' });
      expect(response.status).toBe(202);
      expect(await runIn(response)).toMatchObject({ status: 'running' });
    });

    it('refuses a wait that is no number', async () => {
      expect(await gateway.refusal('/v1/runs', { body, headers: { prefer: 'wait=soon' } })).toMatchObject({
        status: 400,
        code: 'invalid_prefer',
      });
    });
  });

  describe('with an Idempotency-Key', () => {
    let keys = 0;
    const freshKey = () => ({ 'idempotency-key': `key-${(keys += 1)}` });

    it('gives the same answer for the same key and body, however its properties are ordered', async () => {
      const key = freshKey();
      const first = await start(key);
      const again = await start(key, { input: { topic: 'mills' }, graph: 'content' });
      expect(again.status).toBe(202);
      expect(await again.json()).toEqual(await first.json());
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      expect(orchestrator.starts).toHaveLength(1);
    });

    it('refuses the key with another body', async () => {
      const key = freshKey();
      await start(key);
      const other = { ...body, input: { topic: 'rivers' } };
      expect(await gateway.refusal('/v1/runs', { body: other, headers: key })).toMatchObject({
        status: 422,
        code: 'idempotency_key_reused',
      });
    });

    it('lets two tenants use the same key', async () => {
      const key = freshKey();
      const [mine, theirs] = [await start(key), await createTestKey(gateway.bus, 'other', 'editor')];
      const response = await gateway.call('/v1/runs', { body, headers: key, key: theirs.secret });
      expect((await runIn(response)).id).not.toBe((await runIn(mine)).id);
    });

    it('starts one run for many at once, and tells the others to come back', async () => {
      // With a lease that does not run out, however slowly the others come.
      await using patient = await TestGateway.start({ bus: gateway.bus, backend: gateway.backend });
      const key = freshKey();
      const gate = deferred<void>();
      orchestrator.beforeStart = () => gate.promise;
      const first = patient.call('/v1/runs', { body, headers: key });
      await eventually(() => orchestrator.starts.length === 1);
      const refusals = await Promise.all([1, 2, 3].map(() => patient.refusal('/v1/runs', { body, headers: key })));
      for (const refusal of refusals) {
        expect(refusal).toMatchObject({ status: 409, code: 'idempotency_key_in_flight' });
        expect(refusal.headers.get('retry-after')).toMatch(/^\d+$/);
      }
      gate.resolve();
      expect((await first).status).toBe(202);
      expect(orchestrator.starts).toHaveLength(1);
    });

    it('takes over what a crash left in flight, with the same run id', async () => {
      const key = freshKey();
      const stuck = deferred<void>();
      orchestrator.beforeStart = () => stuck.promise;
      const crashed = start(key);
      await eventually(() => orchestrator.starts.length === 1);
      orchestrator.beforeStart = undefined;
      const response = await eventually(async () => {
        const attempt = await start(key);
        return attempt.status === 202 && attempt;
      });
      const { id } = await runIn(response);
      expect(orchestrator.starts.map(({ runId }) => runId)).toEqual([id, id]);
      stuck.resolve();
      expect((await runIn(await crashed)).id).toBe(id);
    });

    it('sends the same run id again after a failure that leaves the outcome open', async () => {
      const key = freshKey();
      orchestrator.beforeStart = () =>
        Promise.reject(new MillraceError('unavailable', 'database_unavailable', 'Not now.'));
      expect(await gateway.refusal('/v1/runs', { body, headers: key })).toMatchObject({ status: 503 });
      orchestrator.beforeStart = undefined;
      const { id } = await runIn(await start(key));
      expect(orchestrator.starts.map(({ runId }) => runId)).toEqual([id, id]);
    });

    it('frees the key of a start that was refused, for a corrected body', async () => {
      const key = freshKey();
      const wrong = { graph: 'unknown', input: {} };
      expect(await gateway.refusal('/v1/runs', { body: wrong, headers: key })).toMatchObject({
        status: 404,
        code: 'unknown_graph',
      });
      expect((await start(key)).status).toBe(202);
    });

    it('refuses a key that is no header value to rely on', async () => {
      const refusal = await gateway.refusal('/v1/runs', { body, headers: { 'idempotency-key': 'two words' } });
      expect(refusal).toMatchObject({
        status: 400,
        code: 'invalid_headers',
        errors: [{ pointer: '/idempotency-key' }],
      });
    });
  });
});
