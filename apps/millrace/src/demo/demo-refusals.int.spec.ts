import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Workbench } from '../command-line.fixture.js';
import { badFiles, goodFiles, writeBadFiles, writeFiles } from '../documents/documents.fixture.js';

let workbench: Workbench;
beforeEach(() => {
  workbench = new Workbench();
});
afterEach(() => workbench[Symbol.dispose]());

const docs = () => join(workbench.folder, 'docs');
const temporaryFiles = () => readdirSync(workbench.temporaryFolder);

describe('the demo', () => {
  it('writes nothing about what the documents do not know, and exits 2', async () => {
    writeFiles(docs(), goodFiles);
    const topic = 'Quantum chromodynamics of gluon confinement';
    const { code, out } = await workbench.millrace(['demo', '--docs', 'docs', '--topic', topic, '--json']).result();
    expect(JSON.parse(out)).toEqual({ error: { code: 'no_evidence', message: expect.any(String) } });
    expect(code).toBe(2);
    expect(readdirSync(workbench.folder).sort()).toEqual(['docs', 'temporary']);
    expect(temporaryFiles()).toEqual([]);
  }, 120_000);

  it('names every file of a folder in which none can be used', async () => {
    writeBadFiles(docs());
    const { code, out, error } = await workbench.millrace(['demo', '--docs', 'docs', '--topic', 'The tide']).result();
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(error).toContain(`None of the files in ${docs()} can be used. (no_usable_documents)`);
    for (const source of [...Object.keys(badFiles), 'bad/huge.md']) {
      expect(error).toContain(`  ${source.replace('\n', '\\u000a').replace('\u001b', '\\u001b')}: `);
    }
    expect(existsSync(join(workbench.folder, '.millrace'))).toBe(false);
  }, 120_000);

  it('still gives the article when its file cannot be written in the end', async () => {
    writeFiles(docs(), goodFiles);
    const demo = workbench.millrace(['demo', '--docs', 'docs', '--topic', 'Tide mills', '--out', 'a.md', '--json']);
    await eventually(() => demo.output.error.includes('Starting'), { timeoutMs: 60_000 });
    mkdirSync(join(workbench.folder, 'a.md'));
    const { code, out, error } = await demo.result();
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      article: { markdown: expect.stringContaining('[1]') },
      error: { code: 'cannot_save' },
    });
    expect(error).toContain(`${join(workbench.folder, 'a.md')}: EISDIR`);
  }, 120_000);

  it('exits 130 when it is told to end while it reads, and leaves nothing behind', async () => {
    const pages = Array.from({ length: 2_000 }, (_, page) => [`${page}.md`, `# Page ${page}\n\nThe tide is high.\n`]);
    writeFiles(docs(), Object.fromEntries(pages) as Record<string, string>);
    const demo = workbench.millrace(['demo', '--docs', 'docs', '--topic', 'The tide', '--json']);
    await eventually(() => demo.output.error.includes(' 5/2000 '), { timeoutMs: 60_000, describe: 'it reads' });
    await demo.kill('SIGTERM');
    const { code, out } = await demo.result();
    expect(code).toBe(130);
    expect(JSON.parse(out)).toEqual({ error: { code: 'interrupted', message: 'Interrupted.' } });
    expect(demo.output.error).not.toContain('1999/2000');
    expect(temporaryFiles()).toEqual([]);
  }, 120_000);

  it('exits 130 when it is interrupted while it starts', async () => {
    writeFiles(docs(), goodFiles);
    const demo = workbench.millrace(['demo', '--docs', 'docs', '--topic', 'The tide']);
    await eventually(() => demo.output.error.includes('Starting'), { timeoutMs: 60_000 });
    await demo.kill('SIGINT');
    expect(await demo.result()).toMatchObject({
      code: 130,
      error: expect.stringContaining('Interrupted. (interrupted)'),
    });
    expect(demo.output.error).not.toContain('Reading');
    expect(temporaryFiles()).toEqual([]);
  }, 120_000);
});
