import { readFileSync } from 'node:fs';
import { MillraceError } from '@millrace/kernel';
import {
  type Environment,
  readConfiguration,
  type SecretKey,
  secretKeys,
  variable,
  wholeNumber,
} from '@millrace/service';
import { z } from 'zod';
import type { Price } from './ledger/price.js';
import { type GgufSettings, ggufProvider, ggufSettings, ggufVariables } from './gguf/gguf-settings.js';
import { readModelsFile, type ConfiguredProvider, type ModelsFile } from './models/models-file.js';
import type { Route } from './routing/route.js';
import type { Timeouts } from './providers/stream-answer.js';

export interface LlmProviderConfig {
  /** How many completions this process works on at once. */
  readonly slots: number;
  /** Providers of the installation, for every tenant. */
  readonly providers: readonly ConfiguredProvider[];
  /** A model in this process; null where there is none. */
  readonly gguf: GgufSettings | null;
  /** Answers where a task names no model; null for the extractive one, which needs no provider. */
  readonly defaultModel: string | null;
  readonly prices: readonly Price[];
  readonly routes: readonly Route[];
  /** Hosts at which a tenant's own provider may be, beside those of the well-known providers: `models.example.com:8443`. */
  readonly providerHosts: readonly string[];
  /** What encrypts keys of providers: the first one does, the others still decrypt. */
  readonly secretKeys: readonly SecretKey[];
  /** What a call of any model may take. */
  readonly limits: CallLimits;
  /** Where answers that are given again are shared between processes. */
  readonly redisUrl: string | undefined;
  /** Characters of evidence that a model is given at most. */
  readonly evidenceCharacters: number;
}

export interface CallLimits {
  readonly timeouts: Timeouts;
  /** Calls that may wait for a model in this process. */
  readonly queue: number;
  /** Tokens of an answer for which a request names no limit. */
  readonly maxTokens: number;
}

const hour = 3_600_000;
/** Sentences are chosen, not understood, so the extractive model can look at all there is. */
const evidenceForExtraction = 400_000;
const evidenceForModels = 100_000;

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
    modelsFile: variable('MILLRACE_LLM_MODELS_FILE', z.string().max(4_000).optional(), '/etc/millrace/models.yaml'),
    providerHosts: variable(
      'MILLRACE_LLM_PROVIDER_HOSTS',
      hostList().default([]),
      '127.0.0.1:11434,models.example.com',
    ),
    secretKeys: variable('MILLRACE_LLM_SECRET_KEYS', secretKeys().default([]), 'ID:KEY, 32 random bytes in base64'),
    redisUrl: variable('MILLRACE_REDIS_URL', z.url({ protocol: /^rediss?$/ }).optional(), 'redis://127.0.0.1:6379'),
    apiKey: variable('MILLRACE_LLM_API_KEY', z.string().max(4_000).optional(), 'the key that the server gave you'),
    model: variable('MILLRACE_LLM_MODEL', z.string().max(200).optional(), 'llama3.2'),
    concurrency: variable('MILLRACE_LLM_CONCURRENCY', wholeNumber({ min: 1, max: 256 }).default(4), '4'),
    maxTokens: variable('MILLRACE_LLM_MAX_TOKENS', wholeNumber({ min: 1, max: 100_000 }).default(8_192), '8192'),
    evidenceCharacters: variable(
      'MILLRACE_LLM_EVIDENCE_CHARACTERS',
      wholeNumber({ min: 1_000, max: 10_000_000 }).optional(),
      '100000',
    ),
    ...ggufVariables,
    firstTokenMs: variable('MILLRACE_LLM_FIRST_TOKEN_TIMEOUT_MS', milliseconds().default(120_000), '120000'),
    idleMs: variable('MILLRACE_LLM_IDLE_TIMEOUT_MS', milliseconds().default(30_000), '30000'),
    totalMs: variable('MILLRACE_LLM_TOTAL_TIMEOUT_MS', milliseconds().default(600_000), '600000'),
    promptUsdPerMillion: variable('MILLRACE_LLM_PROMPT_USD_PER_MILLION', usd().default(0), '0.15'),
    completionUsdPerMillion: variable('MILLRACE_LLM_COMPLETION_USD_PER_MILLION', usd().default(0), '0.60'),
  });
  const { slots, firstTokenMs, idleMs, totalMs, maxTokens } = values;
  const gguf = ggufSettings(values, wrong);
  const file = fileOf(values.modelsFile, environment, gguf);
  const server = serverOf(values);
  const local = gguf && `${ggufProvider}/${gguf.file.model}`;
  const defaultModel = file.defaultModel ?? (server && `${server.provider.name}/${server.provider.models[0]}`) ?? local;
  return {
    slots,
    providers: [...(server ? [server.provider] : []), ...file.providers],
    gguf,
    defaultModel,
    providerHosts: values.providerHosts,
    secretKeys: values.secretKeys,
    redisUrl: values.redisUrl,
    prices: [...(server ? [server.price] : []), ...file.prices],
    routes: file.routes,
    limits: { timeouts: { firstTokenMs, idleMs, totalMs }, queue: slots, maxTokens },
    evidenceCharacters:
      defaultModel === null
        ? evidenceForExtraction
        : (values.evidenceCharacters ?? evidenceFor(defaultModel === local, gguf)),
  };
}

/** A local model holds little: half of its context is for evidence, at three characters a token. */
function evidenceFor(isLocal: boolean, gguf: GgufSettings | null): number {
  if (!isLocal || gguf === null) return evidenceForModels;
  return Math.min(evidenceForModels, Math.max(1_000, Math.floor((gguf.contextTokens / 2) * 3)));
}

const hostList = () =>
  z
    .string()
    .max(10_000)
    .transform((text) => text.split(',').map((host) => host.trim().toLowerCase()))
    .pipe(
      z.array(
        z.string().regex(/^[a-z0-9.[\]:-]+$/, 'must be hosts, with their ports where they are not the usual ones'),
      ),
    );

const noFile: ModelsFile = { defaultModel: null, providers: [], prices: [], routes: [] };

/** The one server that variables alone configure: its name is `openai-compatible`. */
function serverOf(values: {
  readonly baseUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly model: string | undefined;
  readonly concurrency: number;
  readonly promptUsdPerMillion: number;
  readonly completionUsdPerMillion: number;
}): { readonly provider: ConfiguredProvider; readonly price: Price } | null {
  const { baseUrl, apiKey, model, concurrency, promptUsdPerMillion, completionUsdPerMillion } = values;
  if (baseUrl === undefined) {
    refuseHalfAProvider({ apiKey, model });
    return null;
  }
  if (model === undefined) throw missing('MILLRACE_LLM_MODEL', 'MILLRACE_LLM_BASE_URL');
  const name = 'openai-compatible';
  return {
    provider: { name, kind: name, baseUrl, apiKey: apiKey ?? null, models: [model], concurrency },
    price: {
      model: `${name}/${model}`,
      inputUsdPerMillion: promptUsdPerMillion,
      outputUsdPerMillion: completionUsdPerMillion,
    },
  };
}

function fileOf(path: string | undefined, environment: Environment, gguf: GgufSettings | null): ModelsFile {
  if (path === undefined) return noFile;
  return readModelsFile(textOf(path), environment, gguf === null ? [] : [ggufProvider]);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrong('MILLRACE_LLM_MODELS_FILE', `cannot be read: ${(error as Error).message}`);
  }
}

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

const missing = (name: string, because: string): MillraceError => wrong(name, `is not set, but ${because} is`);

function wrong(name: string, message: string): MillraceError {
  return new MillraceError('invalid', 'invalid_configuration', `The configuration is wrong:\n  ${name}: ${message}`, {
    violations: [{ pointer: `/${name}`, message }],
  });
}
