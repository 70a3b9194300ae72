import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { articleSchema, checkSchema, citationSchema, graphIdentitySchema, stepSchema } from '@millrace/contracts';
import { sha256Hex } from '@millrace/kernel';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Workbench } from '../command-line.fixture.js';
import { badFiles, goodFiles, writeBadFiles, writeFiles } from '../documents/documents.fixture.js';

const suite = z.strictObject({
  score: z.number().min(0).max(1),
  passed: z.boolean().optional(),
  checks: z.record(z.string(), checkSchema),
});
/** What `--json` promises. */
const documentSchema = z.strictObject({
  run: z.strictObject({
    id: z.string(),
    status: z.literal('completed'),
    graph: graphIdentitySchema,
    durationMs: z.int().positive(),
  }),
  model: z.literal('extractive'),
  article: articleSchema,
  citations: z.array(z.strictObject(citationSchema.shape)).min(1),
  scores: z.strictObject({
    overall: z.number().min(0).max(1),
    quality: suite,
    seo: suite,
    citations: z.strictObject({ total: z.int().positive(), resolved: z.int().positive() }),
  }),
  usage: z.strictObject({ promptTokens: z.int(), completionTokens: z.int(), costUsd: z.number() }),
  steps: z.array(stepSchema).min(5),
  rejected: z.array(z.strictObject({ source: z.string(), code: z.string(), message: z.string() })),
});

const normalised = (content: string | Buffer) => content.toString().replaceAll('\r\n', '\n').normalize('NFC');
const escape = '\u001b';

const workbench = new Workbench();
afterAll(() => workbench[Symbol.dispose]());
beforeAll(() => {
  writeFiles(join(workbench.folder, 'docs'), goodFiles);
  writeBadFiles(join(workbench.folder, 'docs'));
});

describe('the demo for programs', () => {
  let result: { code: number | null; out: string; error: string };
  let document: z.infer<typeof documentSchema>;
  beforeAll(async () => {
    const flags = ['--topic', 'The tide in harbours', '--docs', 'docs', '--keyword', 'tide', '--json'];
    result = await workbench.millrace(['demo', ...flags]).result();
    document = documentSchema.parse(JSON.parse(result.out));
  }, 120_000);

  it('writes exactly one JSON document of the promised shape, and its progress beside it', () => {
    expect(result.code).toBe(0);
    expect(result.error).toContain('Writing about “The tide in harbours”');
    expect(result.error).not.toContain('"level"');
    expect(document.run.graph).toMatchObject({ name: 'content', version: 1 });
    expect(document.steps.every(({ status }) => ['completed', 'skipped'].includes(status))).toBe(true);
    expect(new Set(document.steps.map(({ node }) => node)).size).toBe(document.steps.length);
  });

  it('cites every marker, and marks every citation', () => {
    const markers = [...document.article.markdown.matchAll(/\[(\d+)\]/g)].map(([, number]) => Number(number));
    const cited = document.citations.map(({ marker }) => marker);
    expect(new Set(cited).size).toBe(cited.length);
    expect([...new Set(markers)].sort()).toEqual([...cited].sort());
    expect(document.scores.citations).toEqual({ total: cited.length, resolved: cited.length });
  });

  it('quotes exactly what stands in the file, by the path that it has below the folder', () => {
    for (const { source, quote } of document.citations) {
      expect(Object.keys(goodFiles)).toContain(source);
      expect(quote.trim()).not.toBe('');
    }
    const texts = document.citations.filter(({ source }) => /\.(md|txt)$/i.test(source));
    expect(texts.length).toBeGreaterThan(0);
    for (const { source, snapshotSha256, start, end, quote } of texts) {
      const snapshot = normalised(goodFiles[source] ?? '');
      expect(quote).toBe(snapshot.slice(start, end));
      expect(snapshotSha256).toBe(sha256Hex(snapshot));
    }
  });

  it('takes nothing from scripts and navigation', () => {
    expect(result.out).not.toMatch(/A script says|the tide is a lie|alert\(1\)/);
  });

  it('names each file that it left out, and why', () => {
    const expected = { ...Object.fromEntries(Object.entries(badFiles).map(([source, { code }]) => [source, code])) };
    expect(Object.fromEntries(document.rejected.map(({ source, code }) => [source, code]))).toEqual({
      ...expected,
      'bad/huge.md': 'document_too_large',
    });
    for (const { source, message } of document.rejected) expect(message).toContain(JSON.stringify(source).slice(1, -1));
  });

  it('saves the article and leaves nothing else behind', () => {
    const saved = join(workbench.folder, '.millrace/articles/the-tide-in-harbours.md');
    expect(readFileSync(saved, 'utf8')).toContain(document.article.markdown.trimEnd());
    expect(readdirSync(workbench.temporaryFolder)).toEqual([]);
  });
});

describe('the demo for people', () => {
  let result: { code: number | null; out: string; error: string };
  beforeAll(async () => {
    writeFiles(workbench.folder, { 'out/my article.md': 'the article of the last time' });
    const flags = ['--topic', 'Tide mills', '--docs', 'docs', '--out', 'out/my article.md'];
    result = await workbench.millrace(['demo', ...flags]).result();
  }, 120_000);

  it('shows the article with its sources, its scores, its writer, and where it is', () => {
    const saved = join(workbench.folder, 'out/my article.md');
    expect(result.code).toBe(0);
    expect(result.out).toContain(readFileSync(saved, 'utf8'));
    expect(result.out).toMatch(/^## Sources$/m);
    expect(result.out).toMatch(/│ overall .* citations resolve to a stored snapshot/);
    expect(result.out).toContain('Written by extractive.');
    expect(result.out).toContain(`Saved to ${saved}.`);
  });

  it('tells its steps line by line, with times, where it is no terminal', () => {
    expect(result.error).toMatch(/Starting every service in this process \(\d+\.\d s\)$/m);
    expect(result.error).toMatch(/Read 5 documents, left out 6 \(\d+\.\d s\)$/m);
    expect(result.error).toMatch(/^. publish done$/m);
  });

  it('lists what was left out without letting a name play with the terminal', () => {
    expect(result.out).toContain('left out bad/encrypted.pdf: ');
    expect(result.out).toContain('left out bad/two\\u000alines\\u001b[2J.md: ');
    expect(result.out + result.error).not.toContain(escape);
    expect(existsSync(join(workbench.folder, 'bad'))).toBe(false);
  });
});
