import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startEffectLedger, type EffectLedger } from './effect-ledger.js';
import { effectSchema, effectTool } from './effect-tool.js';

let ledger: EffectLedger;
beforeEach(async () => {
  ledger = await startEffectLedger();
});
afterEach(async () => {
  await ledger[Symbol.asyncDispose]();
});

const signal = new AbortController().signal;
const charge = (more: object = {}) => {
  const effect = effectSchema.parse({ run: 'run_1', node: 'charge', key: 'once', ...more });
  return effectTool(ledger.url).execute(effect, { signal });
};

describe('the ledger of effects', () => {
  it('commits once for each key, and gives every repeat the same receipt', async () => {
    const receipts = await Promise.all([charge(), charge(), charge()]);
    expect(new Set(receipts.map((receipt) => JSON.stringify(receipt))).size).toBe(1);
    expect(ledger.commits).toHaveLength(1);
    expect(ledger.attempts.map(({ outcome }) => outcome)).toEqual(['committed', 'repeated', 'repeated']);
    await charge({ node: 'other' });
    expect(ledger.commits).toHaveLength(2);
  });

  it('refuses as often as it is told, so that somebody has to try again', async () => {
    const refused = { code: 'effect_refused', retryable: true };
    await expect(charge({ failFirst: 2 })).rejects.toMatchObject(refused);
    await expect(charge({ failFirst: 2 })).rejects.toMatchObject(refused);
    await expect(charge({ failFirst: 2 })).resolves.toMatchObject({ key: 'run_1/charge/once' });
  });

  it('is missed as a target that may come back', async () => {
    await ledger[Symbol.asyncDispose]();
    await expect(charge()).rejects.toMatchObject({ code: 'effect_target_unreachable', retryable: true });
  });
});
