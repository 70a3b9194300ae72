import { describe, expect, it } from '@jest/globals';
import { deferred } from './deferred.js';
import { eventually } from './eventually.js';

describe('eventually', () => {
  it('gives the value of the first look that holds', async () => {
    let looks = 0;
    const value = await eventually(() => (++looks < 3 ? false : looks), { intervalMs: 1 });
    expect(value).toBe(3);
  });

  it('takes a check that stops throwing, whatever it gives', async () => {
    let looks = 0;
    const value = await eventually(
      () => {
        if (++looks < 3) throw new Error('not yet');
      },
      { intervalMs: 1 },
    );
    expect(value).toBeUndefined();
    expect(looks).toBe(3);
  });

  it('says what it waited for and why that did not hold', async () => {
    const cause = new Error('status is running');
    const waiting = eventually(() => Promise.reject(cause), {
      timeoutMs: 5,
      intervalMs: 1,
      describe: 'the run is done',
    });
    await expect(waiting).rejects.toMatchObject({
      message: 'Waited 5 ms until the run is done; at last: status is running',
      cause,
    });
  });
});

describe('deferred', () => {
  it('settles when the test says so', async () => {
    const gate = deferred<string>();
    gate.resolve('open');
    await expect(gate.promise).resolves.toBe('open');
    const broken = deferred();
    broken.reject(new Error('closed'));
    await expect(broken.promise).rejects.toThrow('closed');
  });
});
