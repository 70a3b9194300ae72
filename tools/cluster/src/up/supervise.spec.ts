import { describe, expect, it } from '@jest/globals';
import { deferred, eventually, type Deferred } from '@millrace/testing';
import type { ExitInfo } from '@millrace/servers';
import { supervise, type Supervised } from './supervise.js';

/** Something that ends when it is told to, and counts its starts. */
class Mortal implements Supervised {
  starts = 1;
  private life: Deferred<ExitInfo> = deferred();

  constructor(
    readonly name: string,
    private readonly cannotStart = false,
  ) {}

  get exited(): Promise<ExitInfo> {
    return this.life.promise;
  }

  die(): void {
    this.life.resolve({ code: 1, signal: null });
  }

  restart(): Promise<void> {
    this.starts += 1;
    if (this.cannotStart) return Promise.reject(new Error('no luck\nand more'));
    this.life = deferred();
    return Promise.resolve();
  }
}

function watch(...all: Mortal[]) {
  const said: string[] = [];
  const controller = new AbortController();
  const ended = supervise(all, { report: (text) => said.push(text), signal: controller.signal, firstDelayMs: 1 });
  return { said, ended, stop: () => controller.abort() };
}

describe('supervision', () => {
  it('starts again what ends, says so, and leaves the others alone', async () => {
    const [one, other] = [new Mortal('one'), new Mortal('other')];
    const { said, ended, stop } = watch(one, other);
    one.die();
    await eventually(() => said.includes('one is there again'));
    expect(said).toEqual(['one ended (exit code 1); starting it again in 0.001 s', 'one is there again']);
    expect([one.starts, other.starts]).toEqual([2, 1]);
    stop();
    await ended;
  });

  it('waits longer each time for what does not stay', async () => {
    const one = new Mortal('one', true);
    const { said, ended, stop } = watch(one);
    one.die();
    await eventually(() => one.starts >= 5);
    stop();
    await ended;
    const delays = said.flatMap((text) => /again in (\S+) s/.exec(text)?.[1] ?? []);
    expect(delays.slice(0, 4)).toEqual(['0.001', '0.002', '0.004', '0.008']);
    expect(said).toContain('one does not start: no luck');
  });

  it('lets rest what ends after it was told to stop', async () => {
    const one = new Mortal('one');
    const { said, ended, stop } = watch(one);
    stop();
    one.die();
    await ended;
    expect([one.starts, said]).toEqual([1, []]);
  });
});
