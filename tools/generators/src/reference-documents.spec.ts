import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { mistakesIn } from './check-documents.js';
import { differenceTo, writeDocuments } from './document-folder.js';
import { keyOf, knownContracts } from './known-contracts.js';
import { referenceDocuments } from './reference-documents.js';

const documents = referenceDocuments();
const textOf = (path: string) => documents.get(path) ?? '';

describe('the reference documents', () => {
  it('are valid by the rules of their formats', async () => {
    expect(await mistakesIn(documents)).toEqual([]);
  });

  it('are the same every time', () => {
    expect([...referenceDocuments()]).toEqual([...documents]);
  });

  it('hold every contract', () => {
    const { channels } = parse(textOf('asyncapi.yaml')) as { channels: Record<string, { address: string | null }> };
    const { commands, tasks, events } = knownContracts();
    expect(commands.length).toBeGreaterThan(10);
    for (const contract of [...commands, ...tasks]) expect(channels[keyOf(contract)]?.address).toBe(contract.subject);
    for (const event of events) expect(channels[keyOf(event)]?.address).toMatch(/^evt\.\{tenant\}\./);
  });
});

describe('the check of documents', () => {
  it.each([
    ['openapi.json', (text: string) => text.replace('"paths"', '"path"')],
    ['asyncapi.yaml', (text: string) => text.replace('action: receive', 'action: answer')],
    ['asyncapi.yaml', (text: string) => text.replace('#/components/messages/', '#/components/message/')],
    ['schemas/task.search.v1.input.json', (text: string) => text.replace('"integer"', '"whole"')],
  ])('finds a mistake in %s', async (path, spoil) => {
    const spoilt = spoil(textOf(path));
    expect(spoilt).not.toBe(textOf(path));
    expect(await mistakesIn(new Map([[path, spoilt]]))).not.toEqual([]);
  });

  it('finds a reference that leads nowhere', async () => {
    const document = parse(textOf('asyncapi.yaml')) as { components: { schemas: Record<string, unknown> } };
    delete document.components.schemas['Run'];
    const mistakes = await mistakesIn(new Map([['asyncapi.yaml', stringify(document)]]));
    expect(mistakes).toEqual(['asyncapi.yaml: nothing at #/components/schemas/Run']);
  });
});

describe('the folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-reference-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('is written, found current, and found out of date', async () => {
    const few = new Map([
      ['a.json', '{}\n'],
      ['schemas/b.json', '[]\n'],
    ]);
    expect(await differenceTo(join(folder, 'missing'), few)).toEqual({
      outdated: ['a.json', 'schemas/b.json'],
      stale: [],
    });
    await writeDocuments(folder, few);
    expect(await differenceTo(folder, few)).toEqual({ outdated: [], stale: [] });
    await writeFile(join(folder, 'a.json'), 'changed by hand');
    await writeFile(join(folder, 'schemas/old.json'), '{}');
    await writeFile(join(folder, 'README.md'), 'kept');
    expect(await differenceTo(folder, few)).toEqual({ outdated: ['a.json'], stale: ['schemas/old.json'] });
    await writeDocuments(folder, few);
    expect(await differenceTo(folder, few)).toEqual({ outdated: [], stale: [] });
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe('kept');
  });
});
