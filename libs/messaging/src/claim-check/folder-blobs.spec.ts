import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sha256Hex } from '@millrace/kernel';
import { blobStoreConformance } from '../conformance/blob-store.conformance.js';
import { FolderBlobs } from './folder-blobs.js';

blobStoreConformance('a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  const close = (): Promise<void> => rm(folder, { recursive: true });
  return {
    blobs: new FolderBlobs(join(folder, 'deep', 'er')),
    other: new FolderBlobs(join(folder, 'deep', 'er')),
    close,
  };
});

describe('a folder of blobs', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('refuses names that are no hashes', async () => {
    const blobs = new FolderBlobs(folder);
    await expect(blobs.get('../../etc/passwd')).rejects.toThrow(TypeError);
    await expect(blobs.put('x', Buffer.from('x'))).rejects.toThrow(TypeError);
  });

  it('writes a half-written blob anew', async () => {
    const blobs = new FolderBlobs(folder);
    const sha256 = sha256Hex('whole content');
    await blobs.put(sha256, Buffer.from('whole content'));
    await writeFile(join(folder, sha256.slice(0, 2), sha256), 'whole');
    await blobs.put(sha256, Buffer.from('whole content'));
    expect(Buffer.from((await blobs.get(sha256)) ?? []).toString()).toBe('whole content');
  });

  it('forgets what was last put before a time, and nothing else', async () => {
    const blobs = new FolderBlobs(folder);
    const [old, kept] = [sha256Hex('old'), sha256Hex('kept')];
    await blobs.put(old, Buffer.from('old'));
    const { mtime } = await stat(join(folder, old.slice(0, 2), old));
    await blobs.put(kept, Buffer.from('kept'));
    const border = new Date(mtime.getTime() + 1);
    while ((await stat(join(folder, kept.slice(0, 2), kept))).mtime < border)
      await blobs.put(kept, Buffer.from('kept'));
    expect(await blobs.prune(border)).toBeGreaterThan(0);
    expect(await blobs.get(old)).toBeUndefined();
    expect(await blobs.get(kept)).toBeDefined();
    expect(await new FolderBlobs(join(folder, 'none')).prune(border)).toBe(0);
    expect((await readdir(folder, { recursive: true })).some((name) => name.includes(`${kept}.`))).toBe(false);
  });
});
