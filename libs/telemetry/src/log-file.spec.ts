import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createLogger, openLogFile, parseLogLevels, type LogFileOptions } from './index.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-log-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = (changes: Partial<LogFileOptions> = {}): LogFileOptions => ({
  path: join(folder, 'logs', 'gateway.log'),
  maxBytes: 64 * 1024,
  keptFiles: 1_000,
  compress: false,
  ...changes,
});

const files = async (): Promise<string[]> => (await readdir(join(folder, 'logs'))).sort();

/** The numbers that lines say, over all files. */
async function numbersIn(names: readonly string[]): Promise<number[]> {
  const texts = await Promise.all(
    names.map(async (name) => {
      const content = await readFile(join(folder, 'logs', name));
      return (name.endsWith('.gz') ? gunzipSync(content) : content).toString();
    }),
  );
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
  return lines.map((line) => (JSON.parse(line) as { number: number }).number).sort((a, b) => a - b);
}

describe('a log file', () => {
  it.each([false, true])(
    'loses no line and cuts none while it rotates under load (compressed: %s)',
    async (compress) => {
      const file = await openLogFile(options({ compress }));
      const logger = createLogger({ levels: parseLogLevels('info'), destination: file });
      const count = 20_000;
      for (let number = 0; number < count; number += 1) {
        logger.info({ number }, 'a line of a busy service');
        if (number % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await file.close();
      const names = await eventually(async () => {
        const found = await files();
        return !found.some((name) => name.endsWith('.tmp')) && found;
      });
      expect(names.length).toBeGreaterThan(10);
      expect(await numbersIn(names)).toEqual(Array.from({ length: count }, (_, number) => number));
    },
  );

  it('keeps as many files as it is told, and none grows far beyond its bound', async () => {
    const { maxBytes, ...rest } = options({ keptFiles: 3 });
    const file = await openLogFile({ maxBytes, ...rest });
    const logger = createLogger({ levels: parseLogLevels('info'), destination: file });
    for (let number = 0; number < 10_000; number += 1) {
      logger.info({ number }, 'a line');
      if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await file.close();
    const names = await eventually(async () => {
      const found = await files();
      return found.length === 4 && found;
    });
    expect(names).toEqual(['gateway.log', 'gateway.log.1', 'gateway.log.2', 'gateway.log.3']);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, 'logs', name))).size));
    expect(Math.max(...sizes)).toBeLessThan(2 * maxBytes);
  });

  it('goes on where a process before this one stopped', async () => {
    for (const number of [1, 2]) {
      const file = await openLogFile(options());
      createLogger({ levels: parseLogLevels('info'), destination: file }).info({ number }, 'hello');
      await file.close();
    }
    expect(await numbersIn(['gateway.log'])).toEqual([1, 2]);
  });

  it('that cannot be written is a mistake in the configuration, and says which', async () => {
    await writeFile(join(folder, 'logs'), 'a file where a folder should be');
    await expect(openLogFile(options())).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(
        /MILLRACE_LOG_FILE: nothing can be written to .*gateway\.log \((EEXIST|ENOTDIR)\)/,
      ),
    });
    await rm(join(folder, 'logs'));
    await expect(openLogFile(options({ path: folder }))).rejects.toMatchObject({ code: 'invalid_configuration' });
  });
});
