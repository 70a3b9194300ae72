import { describe, expect, it } from '@jest/globals';
import { newProviderSchema, type ProviderKind } from '@millrace/contracts';
import { providerAddress } from './provider-address.js';

const at = (kind: ProviderKind, baseUrl?: string, allowed: readonly string[] = []) =>
  providerAddress(newProviderSchema.parse({ name: 'p', kind, ...(baseUrl !== undefined && { baseUrl }) }), allowed);
const refused = (code: string) => expect.objectContaining({ code }) as unknown as Error;

describe('the address of a tenant’s provider', () => {
  it('is that of its kind, at Azure, or at a host that is allowed', () => {
    expect(at('groq')).toBe('https://api.groq.com/openai/v1');
    expect(at('openai-compatible', 'https://api.openai.com/v1/')).toBe('https://api.openai.com/v1');
    expect(at('azure-openai', 'https://mine.openai.azure.com')).toBe('https://mine.openai.azure.com');
    expect(at('openai-compatible', 'http://127.0.0.1:11434/v1', ['127.0.0.1:11434'])).toContain('11434');
  });

  it('is needed where a kind has none', () => {
    for (const kind of ['openai-compatible', 'azure-openai'] as const)
      expect(() => at(kind)).toThrow(refused('missing_base_url'));
  });

  it.each([
    'http://127.0.0.1:11434/v1',
    'http://169.254.169.254/latest',
    'http://[::1]/v1',
    'http://2130706433/v1',
    'http://api.openai.com/v1',
    'https://api.openai.com:8443/v1',
    'https://api.openai.com.evil.example/v1',
    'https://evil.example/api.openai.com',
    'https://mine.openai.azure.com',
    'http://localhost/v1',
  ])('is not %s', (address) => {
    expect(() => at('openai-compatible', address, ['127.0.0.1:9'])).toThrow(refused('host_not_allowed'));
  });
});
