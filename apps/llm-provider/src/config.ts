import { MillraceError } from '@millrace/kernel';
import { type Environment, readConfiguration, variable, wholeNumber } from '@millrace/service';
import { z } from 'zod';
import type { Price } from './ledger/price.js';
import type { OpenAiCompatibleOptions } from './openai-compatible/openai-compatible-model.js';

export interface LlmProviderConfig {
  /** How many completions this process works on at once. */
  readonly slots: number;
  /** The server to ask; null for the extractive model, which needs none. */
  readonly provider: OpenAiCompatibleOptions | null;
  readonly price: Price;
  /** Characters of evidence that a model is given at most. */
  readonly evidenceCharacters: number;
}

const hour = 3_600_000;
/** Sentences are chosen, not understood, so the extractive model can look at all there is. */
const evidenceForExtraction = 400_000;

const milliseconds = () => wholeNumber({ min: 1, max: hour });
const usd = () =>
  z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/, 'must be an amount such as 0.15')
    .pipe(z.coerce.number<string>());

/** @throws MillraceError `invalid_configuration` that names each wrong variable. */
export function readConfig(environment: Environment): LlmProviderConfig {
  const values = readConfiguration(environment, {
    slots: variable('MILLRACE_LLM_SLOTS', wholeNumber({ min: 1, max: 256 }).default(8), '8'),
    baseUrl: variable('MILLRACE_LLM_BASE_URL', endpoint().optional(), 'http://127.0.0.1:11434/v1'),
    apiKey: variable('MILLRACE_LLM_API_KEY', z.string().max(4_000).optional(), 'the key that the server gave you'),
    model: variable('MILLRACE_LLM_MODEL', z.string().max(200).optional(), 'llama3.2'),
    concurrency: variable('MILLRACE_LLM_CONCURRENCY', wholeNumber({ min: 1, max: 256 }).default(4), '4'),
    maxTokens: variable('MILLRACE_LLM_MAX_TOKENS', wholeNumber({ min: 1, max: 100_000 }).default(8_192), '8192'),
    evidenceCharacters: variable(
      'MILLRACE_LLM_EVIDENCE_CHARACTERS',
      wholeNumber({ min: 1_000, max: 10_000_000 }).default(100_000),
      '100000',
    ),
    firstTokenMs: variable('MILLRACE_LLM_FIRST_TOKEN_TIMEOUT_MS', milliseconds().default(120_000), '120000'),
    idleMs: variable('MILLRACE_LLM_IDLE_TIMEOUT_MS', milliseconds().default(30_000), '30000'),
    totalMs: variable('MILLRACE_LLM_TOTAL_TIMEOUT_MS', milliseconds().default(600_000), '600000'),
    promptUsdPerMillion: variable('MILLRACE_LLM_PROMPT_USD_PER_MILLION', usd().default(0), '0.15'),
    completionUsdPerMillion: variable('MILLRACE_LLM_COMPLETION_USD_PER_MILLION', usd().default(0), '0.60'),
  });
  const { slots, baseUrl, apiKey, model, concurrency, maxTokens, firstTokenMs, idleMs, totalMs } = values;
  const { promptUsdPerMillion, completionUsdPerMillion } = values;
  const price = { promptUsdPerMillion, completionUsdPerMillion };
  if (baseUrl === undefined) {
    refuseHalfAProvider({ apiKey, model });
    return { slots, provider: null, price: free, evidenceCharacters: evidenceForExtraction };
  }
  if (model === undefined) throw missing('MILLRACE_LLM_MODEL', 'MILLRACE_LLM_BASE_URL');
  const timeouts = { firstTokenMs, idleMs, totalMs };
  const provider = { baseUrl, apiKey: apiKey ?? null, model, timeouts, concurrency, queue: slots, maxTokens };
  return { slots, provider, price, evidenceCharacters: values.evidenceCharacters };
}

const free: Price = { promptUsdPerMillion: 0, completionUsdPerMillion: 0 };

/** An address without credentials: those would end up in logs; the key has a variable of its own. */
const endpoint = () =>
  z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .refine(
      (address) => !URL.canParse(address) || isBare(new URL(address)),
      'must hold no user, password, query or fragment',
    );

const isBare = ({ username, password, search, hash }: URL): boolean => `${username}${password}${search}${hash}` === '';

/** A key or a model without an address would silently be answered by the extractive model. */
function refuseHalfAProvider(half: { apiKey: string | undefined; model: string | undefined }): void {
  if (half.model !== undefined) throw missing('MILLRACE_LLM_BASE_URL', 'MILLRACE_LLM_MODEL');
  if (half.apiKey !== undefined) throw missing('MILLRACE_LLM_BASE_URL', 'MILLRACE_LLM_API_KEY');
}

function missing(name: string, because: string): MillraceError {
  const message = `is not set, but ${because} is`;
  return new MillraceError('invalid', 'invalid_configuration', `The configuration is wrong:\n  ${name}: ${message}`, {
    violations: [{ pointer: `/${name}`, message }],
  });
}
