import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listDocuments, readDocument } from './read-folder.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-documents-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (path: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), 'text');
};

describe('a folder of documents', () => {
  it('is read below, without what is hidden, installed, linked or of another kind', async () => {
    for (const path of ['b.md', 'a/deep/c.PDF', '.git/d.md', 'node_modules/e.md', 'f.exe', 'md']) write(path);
    symlinkSync('..', join(folder, 'a/loop'));
    symlinkSync('b.md', join(folder, 'g.md'));
    const { documents, leftOut } = await listDocuments(folder);
    expect(documents.map(({ source }) => source)).toEqual(['a/deep/c.PDF', 'b.md']);
    expect(leftOut).toEqual([]);
  });

  it('is read twenty folders deep, and what lies deeper is named', async () => {
    const deepest = 'd/'.repeat(20);
    write(`${deepest}in.md`);
    write(`${deepest}e/out.md`);
    const { documents, leftOut } = await listDocuments(folder);
    expect(documents.map(({ source }) => source)).toEqual([`${deepest}in.md`]);
    expect(leftOut).toMatchObject([{ source: `${deepest}e`, code: 'folder_too_deep' }]);
  });

  it('may lose a file while it is read: the file is named', async () => {
    write('gone.md');
    const [file] = (await listDocuments(folder)).documents;
    rmSync(join(folder, 'gone.md'));
    await expect(readDocument(file ?? { path: '', source: '' })).rejects.toMatchObject({
      code: 'unreadable_file',
      message: 'gone.md cannot be read (ENOENT).',
    });
  });
});
