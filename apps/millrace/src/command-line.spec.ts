import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type } from './terminal/captured-terminal.fixture.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-words-'));
  mkdirSync(join(folder, 'empty'));
  mkdirSync(join(folder, 'docs/folder.md'), { recursive: true });
  writeFileSync(join(folder, 'docs/a.md'), 'The tide rises.\n');
  writeFileSync(join(folder, 'notes.csv'), 'a,b\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('wrong words', () => {
  it.each([
    [[]],
    [['dance']],
    [['--dance']],
    [['demo', '--dance']],
    [['demo', 'docs']],
    [['demo', '--topic']],
    [['demo', '--api-key', 'mr_1']],
    [['demo', '--url']],
    [['demo', '--topic', '']],
    [['demo', '--topic', ' \n ']],
    [['demo', '--topic', 'x'.repeat(501)]],
    [['demo', '--keyword', 'x'.repeat(201)]],
    [['start', '--port', '70000']],
    [['start', '--port', '80a']],
    [['start', 'now']],
    [['run']],
    [['runs']],
    [['runs', 'pause']],
    [['runs', 'resume']],
    [['runs', 'signal']],
    [['runs', 'signal', 'run_1']],
    [['approvals']],
    [['approvals', 'list', '--status', 'maybe']],
    [['approvals', 'list', '--status', 'pending', '--all']],
    [['approvals', 'approve']],
    [['graphs']],
    [['graphs', 'delete']],
    [['graphs', 'validate']],
    [['ingest', 'docs']],
    [['search', '--collection', 'guides']],
    [['search', 'tide', '--collection', 'guides', '--limit', '101']],
    [['keys', 'create']],
    [['keys', 'create', '--name', 'x', '--role', 'god']],
    [['keys', 'revoke']],
    [['routes']],
    [['routes', 'put']],
    [['routes', 'put', 'x', '--target', 'a/b', '--strategy', 'luck']],
    [['routes', 'delete']],
    [['prices']],
    [['prices', 'put', '--model', 'a/b', '--input', '-1', '--output', '1']],
    [['prices', 'put', '--model', 'a/b', '--input', '1e9', '--output', '1']],
    [['rerank', 'herons', 'a text']],
    [['rerank', '--model', 'a/b']],
    [['rerank', 'herons', 'a text', '--model', 'a/b', '--top', '0']],
    [['usage', 'now']],
  ])('%j give the usage and exit 64', async (words) => {
    const { code, out, error } = await type(words, { folder });
    expect(code).toBe(64);
    expect(out).toBe('');
    expect(error).toContain('Usage: millrace');
  });
});

describe('help', () => {
  it.each([
    [['--help']],
    ...['demo', 'start', 'run', 'ingest', 'search'].map((name) => [[name, '--help']]),
    ...['list', 'show', 'approve', 'reject'].map((name) => [['approvals', name, '--help']]),
    ...['pause', 'resume', 'signal'].map((name) => [['runs', name, '--help']]),
    ...['validate', 'publish', 'list'].map((name) => [['graphs', name, '--help']]),
    ...['create', 'list', 'revoke'].map((name) => [['keys', name, '--help']]),
    ...['list', 'put', 'delete'].map((name) => [['routes', name, '--help']]),
    ...['list', 'put'].map((name) => [['prices', name, '--help']]),
    ...['rerank', 'usage'].map((name) => [[name, '--help']]),
  ])('is there for %j', async (words) => {
    const { code, out } = await type(words, { folder });
    expect(code).toBe(0);
    expect(out).toContain(`Usage: millrace ${words.slice(0, -1).join(' ')}`);
    if (words.length > 1 && words[0] !== 'start') expect(out).toContain('--json');
  });
});

describe('the demo refuses at once', () => {
  it.each([
    ['a folder that is not there', ['--docs', 'missing'], 'folder_not_found', 'missing does not exist'],
    ['a file', ['--docs', 'notes.csv'], 'not_a_folder', 'notes.csv is not a folder'],
    ['an empty folder', ['--docs', 'empty'], 'no_documents', '.md .markdown .txt .html .htm .pdf'],
    ['to save into a folder', ['--docs', 'docs', '--out', 'empty'], 'cannot_save', 'it is a folder'],
    ['to save below a file', ['--docs', 'docs', '--out', 'notes.csv/a.md'], 'cannot_save', '--out'],
    ['a file name that is too long', ['--docs', 'docs', '--out', 'x'.repeat(300)], 'cannot_save', 'ENAMETOOLONG'],
  ])('%s', async (_, flags, errorCode, hint) => {
    const people = await type(['demo', ...flags], { folder });
    expect(people).toMatchObject({ code: 1, out: '' });
    expect(people.error).toContain(hint);
    const programs = await type(['demo', ...flags, '--json'], { folder });
    expect(programs).toMatchObject({ code: 1, error: '' });
    expect(JSON.parse(programs.out)).toEqual({ error: { code: errorCode, message: expect.stringContaining(hint) } });
    expect(readdirSync(folder).sort()).toEqual(['docs', 'empty', 'notes.csv']);
  });
});

describe('start refuses at once', () => {
  it('a port that is taken, and makes no folder', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, error } = await type(['start', '--port', String(port), '--data', 'data'], { folder });
    taken.close();
    expect(code).toBe(1);
    expect(error).toContain(`Port ${port} on 127.0.0.1 is in use.`);
    expect(readdirSync(folder)).not.toContain('data');
  });

  it('a data folder that cannot be made', async () => {
    const { code, error } = await type(['start', '--port', '0', '--data', 'notes.csv/data'], { folder });
    expect(code).toBe(1);
    expect(error).toMatch(
      /The data folder .*notes\.csv\/data cannot be made \(ENOTDIR\)\. .* \(data_folder_unusable\)/,
    );
  });

  it('a wrong variable', async () => {
    const environment = { MILLRACE_HTTP_MAX_STREAMS: 'many' };
    const { code, error } = await type(['start', '--port', '0', '--data', 'data'], { folder, environment });
    expect(code).toBe(1);
    expect(error).toContain('MILLRACE_HTTP_MAX_STREAMS');
  });
});
