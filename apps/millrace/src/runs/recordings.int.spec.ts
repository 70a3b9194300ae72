/** Recording over HTTP, and replaying offline, by the command line. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@millrace/contracts';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let editor: string;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const graph = {
  ...{ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'small' } },
  nodes: [{ id: 'n', kind: 'transform', output: '${{ input.topic }}' }],
  output: '${{ nodes.n.output }}',
};

describe('a recording', () => {
  it('is replayed without a server, and refused where it was changed', async () => {
    const { id } = (await system.call<Run>('/v1/runs', editor, { graph, input: { topic: 'mills' } })).body;
    const connected = { folder: system.folder, environment: { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor } };
    const alone = { folder: system.folder, environment: {} };
    const recorded = await type(['runs', 'record', id, '--out', 'run.json'], connected);
    expect(recorded).toMatchObject({ code: 0, error: '' });
    const replayed = await type(['runs', 'replay', 'run.json', '--json'], alone);
    expect(JSON.parse(replayed.out)).toMatchObject({ same: true, status: 'completed', output: 'mills' });
    const file = join(system.folder, 'run.json');
    const text = await readFile(file, 'utf8');
    await writeFile(join(system.folder, 'changed.json'), text.replaceAll('"output":"mills"', '"output":"dams"'));
    expect((await type(['runs', 'replay', 'changed.json'], alone)).error).toContain('replay_mismatch');
    await writeFile(join(system.folder, 'half.json'), text.slice(0, text.length / 2));
    expect((await type(['runs', 'replay', 'half.json'], alone)).error).toContain('invalid_recording');
    expect((await type(['runs', 'replay', 'none.json'], alone)).error).toContain('unreadable_file');
    const stranger = await system.key('other', 'admin');
    expect(await system.call(`/v1/runs/${id}/recording`, stranger)).toMatchObject({
      status: 404,
      body: { code: 'unknown_run' },
    });
  });
});
