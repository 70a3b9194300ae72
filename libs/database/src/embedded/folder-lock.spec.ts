import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { becomeHolder, lockFolder } from './folder-lock.js';

describe('locking a data folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const held = (content: object | string) => {
    mkdirSync(join(folder, 'lock'));
    writeFileSync(join(folder, 'lock', '7'), typeof content === 'string' ? content : JSON.stringify(content));
  };

  it('lets one in, until it leaves', async () => {
    const unlock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: 'data_folder_in_use',
      message: expect.stringContaining('by this very process'),
    });
    await unlock();
    await (
      await lockFolder(folder)
    )();
    expect(readdirSync(join(folder, 'lock'))).toHaveLength(1);
  });

  it('makes the folder', async () => {
    await (
      await lockFolder(join(folder, 'new', 'deep'))
    )();
  });

  it.each([1, 2, 3, 4, 5])('lets exactly one of many in, also when the last holder is dead (%i)', async () => {
    held({ pid: await pidOfTheDead(), host: hostname(), began: '' });
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(join(folder, 'lock'))).toHaveLength(1);
  });

  it('lets many in one after the other, never two at once', async () => {
    let inside = 0;
    const visit = async () => {
      const unlock = await eventually(() => lockFolder(folder), { intervalMs: 1, timeoutMs: 20_000 });
      expect(++inside).toBe(1);
      await Promise.resolve();
      inside--;
      await unlock();
    };
    await Promise.all(Array.from({ length: 20 }, visit));
  });

  it('steps back when a late contender takes a number that was used and removed', async () => {
    const unlock = await lockFolder(folder);
    const locks = join(folder, 'lock');
    renameSync(join(locks, '1'), join(locks, '2'));
    writeFileSync(join(locks, 'claim'), '{}');
    expect(await becomeHolder(locks, join(locks, 'claim'), 1)).toBe(false);
    expect(readdirSync(locks).sort()).toEqual(['2', 'claim']);
    await unlock();
  });

  it('knows a dead process from a later one with the same number', async () => {
    held({ pid: process.pid, host: hostname(), began: 'another boot/1' });
    await lockFolder(folder);
  });

  it.each(['', '{', '{"pid":"1"}', 'null'])('takes over a lock that says nothing: %j', async (content) => {
    held(content);
    await lockFolder(folder);
  });

  it('leaves the lock of another host alone, and says which file it is', async () => {
    held({ pid: 1, host: 'another-host', began: '' });
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: 'data_folder_in_use',
      message: expect.stringContaining(join(folder, 'lock')),
    });
  });
});

const pidOfTheDead = (): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn('true');
    child.once('exit', () => resolve(child.pid ?? 0));
  });
