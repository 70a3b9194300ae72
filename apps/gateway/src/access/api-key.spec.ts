import { describe, expect, it } from '@jest/globals';
import { redactText } from '@millrace/telemetry';
import fc from 'fast-check';
import { apiKeyIdOf, generateApiKey, isKeyOf } from './api-key.js';

describe('API keys', () => {
  it('carry their id, and match their own hash only', () => {
    const [one, other] = [generateApiKey(), generateApiKey()];
    expect(apiKeyIdOf(one.secret)).toBe(one.id);
    expect(isKeyOf(one.secret, one.secretSha256)).toBe(true);
    expect(isKeyOf(other.secret, one.secretSha256)).toBe(false);
    expect(isKeyOf(`${one.secret.slice(0, -1)}${one.secret.endsWith('a') ? 'b' : 'a'}`, one.secretSha256)).toBe(false);
  });

  it('have the same length whatever the random bits', () => {
    const lengths = new Set(Array.from({ length: 500 }, () => generateApiKey().secret.length));
    expect([...lengths]).toEqual([59]);
  });

  it('are hidden from logs by their shape', () => {
    const { secret } = generateApiKey();
    expect(redactText(`presented ${secret} here`)).not.toContain(secret.slice(16));
  });

  it('refuse any other text without a fault', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 80 }), (presented, hash) => {
        expect(apiKeyIdOf(presented)).toBeNull();
        expect(isKeyOf(presented, hash)).toBe(false);
      }),
    );
  });
});
