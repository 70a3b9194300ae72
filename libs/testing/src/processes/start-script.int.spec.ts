import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { startScript } from './start-script.js';

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('startScript', () => {
  it('runs TypeScript sources and gives what they wrote and how they ended', async () => {
    const script = startScript(
      `import { newId } from '@millrace/kernel';
       console.log(newId('x').slice(0, 2), process.argv.at(-1), process.env.COLOUR);
       console.error('to the side');
       process.exit(3);`,
      { arguments: ['--last'], environment: { COLOUR: 'blue' } },
    );
    expect(await script.ended).toEqual({ code: 3, signal: null });
    expect(script.output).toMatchObject({ standard: 'x_ --last blue\n', error: 'to the side\n' });
  });

  it('lets its source start threads, which run TypeScript as well', async () => {
    const script = startScript(
      `import { Worker } from 'node:worker_threads';
       const thread = new Worker(new URL('./libs/kernel/src/ids.ts', import.meta.url));
       thread.once('exit', (code) => console.log('the thread ended with', code));`,
    );
    expect(await script.ended).toEqual({ code: 0, signal: null });
    expect(script.output.standard).toBe('the thread ended with 0\n');
  });

  it('ends by itself after it stopped its server, which alone does not keep it', async () => {
    const script = startScript(
      `import { startNatsServer } from '@millrace/testing';
       const server = await startNatsServer({ exclusive: true });
       await server.kill();
       await server.restart();
       await server.stop();
       console.log('stopped');
       await startNatsServer({ exclusive: true });`,
    );
    expect(await script.ended).toEqual({ code: 0, signal: null });
    expect(script.output.standard).toBe('stopped\n');
  });

  it('leaves no server and no folder behind when its process is killed', async () => {
    await using script = startScript(
      `import { startNatsServer } from '@millrace/testing';
       import { readFileSync } from 'node:fs';
       import { dirname, join } from 'node:path';
       const server = await startNatsServer({ exclusive: true });
       const directory = dirname(server.storeDirectory);
       console.log(JSON.stringify({ directory, pid: Number(readFileSync(join(directory, 'server.pid'), 'utf8')) }));
       setInterval(() => {}, 1_000);`,
    );
    const { directory, pid } = await eventually(
      () => JSON.parse(script.output.standard) as { directory: string; pid: number },
      { timeoutMs: 30_000, describe: 'the server runs' },
    );
    expect(isAlive(pid)).toBe(true);
    await script.kill();
    await eventually(() => !isAlive(pid) && !existsSync(directory), { describe: 'server and folder are gone' });
  }, 60_000);
});
