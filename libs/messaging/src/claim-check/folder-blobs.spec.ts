import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
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

  it('keeps what is put while it is forgotten', async () => {
    const contested = join(folder, 'contested');
    const blobs = new FolderBlobs(contested);
    const contents = Array.from({ length: 40 }, (_, number) => Buffer.from(`contested ${number}`));
    const long = new Date(Date.now() - 3_600_000);
    const border = new Date(Date.now() - 60_000);
    for (const content of contents) await blobs.put(sha256Hex(content), content);
    // In the order in which they are swept, so that both come to each at about the same moment.
    const swept = (await readdir(contested, { recursive: true })).filter((name) => name.length > 3);
    const byName = new Map(contents.map((content) => [sha256Hex(content), content]));
    for (let round = 0; round < 40; round += 1) {
      for (const path of swept) await utimes(join(contested, path), long, long);
      const putAll = async (): Promise<void> => {
        for (const path of swept) {
          const sha256 = path.slice(3);
          await blobs.put(sha256, byName.get(sha256) ?? Buffer.alloc(0));
        }
      };
      await Promise.all([blobs.prune(border), putAll(), putAll(), blobs.prune(border)]);
      for (const content of contents) expect(await blobs.get(sha256Hex(content))).toEqual(content);
    }
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
