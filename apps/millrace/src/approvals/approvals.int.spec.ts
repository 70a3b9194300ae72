/** Approvals over HTTP and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Approval, Run } from '@millrace/contracts';
import { eventually } from '@millrace/testing';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let editor: string;
let viewer: string;
let stranger: string;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
  viewer = await system.key('acme', 'viewer');
  stranger = await system.key('other', 'admin');
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const form = { type: 'object', required: ['grade'], properties: { grade: { type: 'integer', maximum: 6 } } };
const graph = {
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'ask' },
  input: { type: 'object', properties: { title: { type: 'string', default: 'Publish?' } } },
  nodes: [
    ...[
      { id: 'ok', kind: 'approval', title: '${{ input.title }}', assignees: ['role:editor'], deadline: '1h', form },
    ].map((node) => ({ ...node, onTimeout: 'fail', onReject: 'continue' })),
  ],
  output: '${{ nodes.ok.output }}',
};

async function ask(title = 'Publish?'): Promise<{ run: Run; approval: Approval; path: string }> {
  const { body: run } = await system.call<Run>('/v1/runs', editor, { graph, input: { title } });
  const { body } = await system.call<{ items: Approval[] }>(`/v1/approvals?run=${run.id}&status=pending`, viewer);
  const [approval] = body.items;
  if (!approval) throw new Error('nothing was asked');
  return { run, approval, path: `/v1/approvals/${approval.id}` };
}

describe('approvals over HTTP', () => {
  it('are decided once', async () => {
    const { run, approval, path } = await ask();
    expect(approval).toMatchObject({ runId: run.id, status: 'pending', title: 'Publish?', form });
    const decision = { decision: 'approve', data: { grade: 2 } };
    const decided = await system.call<Approval>(`${path}:decide`, editor, decision);
    expect(decided).toMatchObject({ status: 200, body: { status: 'approved', decidedBy: { role: 'editor' } } });
    expect(await system.call(`${path}:decide`, editor, decision)).toEqual(decided);
    for (const another of [
      { decision: 'reject', data: { grade: 2 } },
      { decision: 'approve', data: { grade: 3 } },
    ]) {
      const refused = await system.call(`${path}:decide`, editor, another);
      expect(refused).toMatchObject({ status: 409, body: { code: 'approval_decided' } });
    }
    expect(await system.call(`${path}:decide`, await system.key('acme', 'admin'), decision)).toMatchObject({
      status: 409,
    });
    expect(await system.call<Approval>(path, viewer)).toEqual({ status: 200, body: decided.body });
    const done = await system.call<Run>(`/v1/runs/${run.id}`, editor);
    expect(done.body).toMatchObject({ status: 'completed', output: { decision: 'approved', data: { grade: 2 } } });
  });

  it('are decided by whom they ask, in the tenant that asks', async () => {
    const { path } = await ask();
    const decision = { decision: 'approve', data: { grade: 2 } };
    expect(await system.call(`${path}:decide`, viewer, decision)).toMatchObject({
      status: 403,
      body: { code: 'not_an_assignee', detail: expect.stringContaining('role:editor') },
    });
    expect(await system.call(`${path}:decide`, stranger, decision)).toMatchObject({
      status: 404,
      body: { code: 'unknown_approval' },
    });
    expect(await system.call(path, stranger)).toMatchObject({ status: 404, body: { code: 'unknown_approval' } });
    expect((await system.call<{ items: [] }>('/v1/approvals', stranger)).body.items).toEqual([]);
    expect(await system.call(`${path}:decide`, 'mr_nobody', decision)).toMatchObject({ status: 401 });
    expect((await system.call<Approval>(path, viewer)).body.status).toBe('pending');
  });

  it('refuse what does not fit', async () => {
    const { path } = await ask();
    const decide = `${path}:decide`;
    const none = `/v1/approvals/apr_${'0'.repeat(32)}`;
    const decision = { decision: 'approve', data: { grade: 1 } };
    const cases: [string, unknown, number, string][] = [
      [decide, '{"decision"', 400, 'malformed_json'],
      [decide, {}, 400, 'invalid_body'],
      [decide, { decision: 'maybe' }, 400, 'invalid_body'],
      [decide, { decision: 'approve', data: [] }, 400, 'invalid_body'],
      [decide, { decision: 'approve', by: 'me' }, 400, 'invalid_body'],
      [decide, { decision: 'approve' }, 400, 'invalid_form'],
      [decide, { decision: 'reject', data: { grade: 7 } }, 400, 'invalid_form'],
      [decide, '{"decision":"approve","data":{"grade":1,"__proto__":{}}}', 400, 'forbidden_property'],
      [`${none}:decide`, decision, 404, 'unknown_approval'],
      ['/v1/approvals/nothing:decide', decision, 400, 'invalid_path'],
      [`${path}:destroy`, decision, 405, 'method_not_allowed'],
      [path, decision, 405, 'method_not_allowed'],
    ];
    for (const [at, body, status, code] of cases) {
      expect(await system.call(at, editor, body)).toMatchObject({ status, body: { code } });
    }
    const invalid = await system.call(decide, editor, { decision: 'approve', data: { grade: 'x' } });
    expect(invalid.body.errors).toMatchObject([{ pointer: '/data/grade' }]);
    for (const query of ['status=maybe', 'run=x', 'limit=0', 'cursor=x', 'assignee=me']) {
      expect(await system.call(`/v1/approvals?${query}`, viewer)).toMatchObject({ status: 400 });
    }
    expect((await system.call<Approval>(path, viewer)).body.status).toBe('pending');
  });

  it('come page by page', async () => {
    const asked = [await ask('one'), await ask('two'), await ask('three')].map(({ approval }) => approval.id);
    const client = system.client(viewer);
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await client.listApprovals({ limit: 2, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 3)).toEqual(asked.reverse());
  });
});

describe('millrace approvals', () => {
  const millrace = (...words: string[]) =>
    type(['approvals', ...words], {
      folder: system.folder,
      environment: { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor },
    });

  it('lists, shows and decides', async () => {
    const { run, approval } = await ask('Release \u001b[31mthe mills\u001b[0m?');
    expect((await millrace('list', '--run', run.id)).out).toContain(approval.id);
    const { out } = await millrace('show', approval.id);
    expect(out).toContain('the mills');
    expect(out).not.toContain('\u001b[31m');
    expect(out).toContain('who: role:editor');
    expect(await millrace('approve', approval.id, '--data', '[]')).toMatchObject({ code: 1 });
    expect(await millrace('approve', approval.id)).toMatchObject({
      code: 1,
      error: expect.stringMatching(/\(invalid_form\)\n {2}\/data\/grade: /),
    });
    expect(await millrace('reject', approval.id, '--data', '{"grade": 6}')).toMatchObject({
      code: 0,
      out: expect.stringContaining('is rejected.'),
    });
    expect((await millrace('list', '--run', run.id)).out).toContain('There is nothing to decide.');
    const all = JSON.parse((await millrace('list', '--all', '--run', run.id, '--json')).out) as Approval[];
    expect(all).toMatchObject([{ id: approval.id, status: 'rejected' }]);
    expect(await millrace('approve', approval.id, '--json')).toMatchObject({
      code: 1,
      out: expect.stringContaining('approval_decided'),
    });
  });

  it('is told of by who follows the run', async () => {
    await system.client(editor).publishGraph({ text: JSON.stringify(graph), format: 'json' });
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor };
    const followed = type(['run', 'ask'], { folder: system.folder, environment });
    const run = await eventually(
      async () => (await system.client(editor).listRuns({ graph: 'ask', limit: 1 })).items[0] ?? false,
    );
    const [approval] = (await system.client(viewer).listApprovals({ run: run.id })).items;
    await system.client(editor).decideApproval(approval?.id ?? '', { decision: 'approve', data: { grade: 1 } });
    expect((await followed).error).toContain('ok waits for an approval: Publish?');
  });
});
