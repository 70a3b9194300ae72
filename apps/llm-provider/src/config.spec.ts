import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config.js';

const server = { MILLRACE_LLM_BASE_URL: 'http://127.0.0.1:11434/v1', MILLRACE_LLM_MODEL: 'llama3.2' };

describe('the configuration', () => {
  it('is extractive when nothing is set', () => {
    expect(readConfig({})).toMatchObject({ providers: [], defaultModel: null, prices: [], slots: 8 });
  });

  it('takes a server with or without a key', () => {
    expect(readConfig(server)).toMatchObject({
      defaultModel: 'openai-compatible/llama3.2',
      providers: [{ baseUrl: 'http://127.0.0.1:11434/v1', models: ['llama3.2'], apiKey: null }],
    });
    const priced = { ...server, MILLRACE_LLM_API_KEY: 'k', MILLRACE_LLM_PROMPT_USD_PER_MILLION: '0.15' };
    expect(readConfig(priced)).toMatchObject({
      providers: [{ apiKey: 'k' }],
      prices: [{ model: 'openai-compatible/llama3.2', inputUsdPerMillion: 0.15 }],
    });
  });

  it.each([
    ['a model without a server', { MILLRACE_LLM_MODEL: 'x' }, 'MILLRACE_LLM_BASE_URL'],
    ['a key without a server', { MILLRACE_LLM_API_KEY: 'secret-key' }, 'MILLRACE_LLM_BASE_URL'],
    ['a server without a model', { MILLRACE_LLM_BASE_URL: 'http://127.0.0.1/v1' }, 'MILLRACE_LLM_MODEL'],
    ['no address', { ...server, MILLRACE_LLM_BASE_URL: 'localhost' }, 'MILLRACE_LLM_BASE_URL'],
    ['a file', { ...server, MILLRACE_LLM_BASE_URL: 'file:///etc/passwd' }, 'MILLRACE_LLM_BASE_URL'],
    [
      'a password in the address',
      { ...server, MILLRACE_LLM_BASE_URL: 'http://me:secret-key@host/v1' },
      'MILLRACE_LLM_BASE_URL',
    ],
    ['a file of models that is not there', { MILLRACE_LLM_MODELS_FILE: '/no/such/file' }, 'MILLRACE_LLM_MODELS_FILE'],
    ['no slots', { MILLRACE_LLM_SLOTS: '0' }, 'MILLRACE_LLM_SLOTS'],
    [
      'a price in words',
      { ...server, MILLRACE_LLM_PROMPT_USD_PER_MILLION: 'cheap' },
      'MILLRACE_LLM_PROMPT_USD_PER_MILLION',
    ],
  ])('refuses %s, naming the variable and no secret', (_, environment, name) => {
    let message = '';
    try {
      readConfig(environment);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid_configuration' });
      message = (error as Error).message;
    }
    expect(message).toContain(name);
    expect(message).not.toContain('secret-key');
  });
});
