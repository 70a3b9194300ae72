/** What can be said of the examples without running them; `examples.int.spec.ts` runs each. */
import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { availableKinds, checkInput, compileGraph, readGraph } from '@millrace/workflow';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
const textOf = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');
const filesIn = (folder: string): string[] => readdirSync(join(root, folder)).filter((name) => name !== 'README.md');

const examples = filesIn('examples/graphs');
const pages = filesIn('docs/graphs');
/** The examples that a text links to. */
const namedIn = (text: string): string[] =>
  [...text.matchAll(/examples\/graphs\/([a-z-]+\.yaml)/g)].map(([, name = '']) => name);

describe.each(examples)('%s', (file) => {
  const text = textOf('examples/graphs', file);

  it('is a valid graph', () => {
    expect(readGraph(text)).toHaveProperty('graph');
  });

  it('says how to run it, with an input that fits it', () => {
    const command = new RegExp(`^#\\s+millrace run examples/graphs/${file} .*--input '(.*)'$`, 'm').exec(text);
    const given = JSON.parse(command?.[1] ?? '') as JsonObject;
    const read = readGraph(text);
    if (!('document' in read)) throw new Error('It is no graph.');
    // Only the input matters here: what its nodes need, such as other graphs, is not there.
    const nodes: JsonValue[] = [{ id: 'x', kind: 'transform', output: null }];
    expect(checkInput(compileGraph({ ...read.document, nodes, output: null }), given)).toHaveProperty('input');
  });

  it('says what it shows and needs in the list of examples', () => {
    const row = textOf('examples/graphs/README.md')
      .split('\n')
      .find((line) => line.startsWith(`| \`${file}\``));
    const [, , shows, needs] = (row ?? '').split('|').map((cell) => cell.trim());
    expect([shows, needs]).toEqual([expect.stringMatching(/\w{4}/), expect.stringMatching(/^(nothing|an? |the )/)]);
  });

  it('is named by a page or a guide', () => {
    const folders = ['docs/graphs', 'docs/guides'];
    const named = folders.flatMap((folder) =>
      readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.md') ? namedIn(textOf(folder, name)) : [])),
    );
    expect(named).toContain(file);
  });
});

describe.each(pages)('the page %s', (page) => {
  const text = textOf('docs/graphs', page);

  it('has an example that can be run', () => {
    const named = namedIn(text);
    expect(named.length).toBeGreaterThan(0);
    for (const file of named) expect(examples).toContain(file);
    if (page === 'README.md') return;
    const subject = page.replace('.md', '');
    // A page is about a kind of node, or about a policy that a node states.
    const word = availableKinds.some((kind) => kind === subject) ? `kind: ${subject}` : `${subject.replace(/s$/, '')}:`;
    expect(named.some((file) => textOf('examples/graphs', file).includes(word))).toBe(true);
  });
});
