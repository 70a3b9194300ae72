/** Calls of models from outside of runs: one request, one reply, and the text while it is written. */
import { z } from 'zod';
import { defineCommand } from '../contract.js';
import { errorShapeSchema, usageSchema } from '../shared.js';
import {
  answerCacheSchema,
  chatMessageSchema,
  chatToolSchema,
  finishReasonSchema,
  jsonFormatSchema,
  logprobsSchema,
  toolCallSchema,
  toolChoiceSchema,
} from './chat.js';

const owner = 'llm-provider';

/** `PROVIDER/MODEL`, `route:NAME`, or a model's own name where a provider lists it. */
export const calledModelSchema = z.string().min(1).max(300);

/** A process that makes calls, and hears of all of them on one subject. */
export const listenerIdSchema = z.string().regex(/^listener_[0-9a-f]{10,60}$/);

export const callIdSchema = z.string().regex(/^call_[0-9a-f]{10,60}$/);

/** What a call used; `cachedPromptTokens` of the prompt were cached by the provider. */
export const callUsageSchema = usageSchema.extend({ cachedPromptTokens: z.int().nonnegative() });
export type CallUsage = z.infer<typeof callUsageSchema>;

/**
 * Answers when the call is over. `failed` is a failure after a part of the answer was written: the part, and what it is charged.
 * Refuses as a task does, with `unknown_model`, `provider_…`, `budget_exceeded`.
 */
export const completeChat = defineCommand({
  owner,
  entity: 'chat',
  action: 'complete',
  version: 1,
  summary: 'Has a model answer a conversation; its text is shown on `live.<listenerId>.pieces` meanwhile.',
  request: z.strictObject({
    callId: callIdSchema,
    /** Who hears of the call while it goes on. */
    listenerId: listenerIdSchema,
    /** The key that makes the call. */
    keyId: z.string().nullable(),
    model: calledModelSchema,
    /** Whether somebody reads the pieces. */
    stream: z.boolean(),
    messages: z.array(chatMessageSchema).min(1).max(10_000),
    tools: z.array(chatToolSchema).max(128).optional(),
    toolChoice: toolChoiceSchema.optional(),
    json: jsonFormatSchema.optional(),
    maxTokens: z.int().min(1).max(1_000_000).optional(),
    temperature: z.number().min(0).max(2).optional(),
    topP: z.number().min(0).max(1).optional(),
    presencePenalty: z.number().min(-2).max(2).optional(),
    frequencyPenalty: z.number().min(-2).max(2).optional(),
    stop: z.array(z.string().min(1).max(1_000)).max(16).optional(),
    seed: z.int().optional(),
    /** How likely each token was, with so many others in its place. Refused with `logprobs_not_offered` by models that tell nothing. */
    logprobs: z.int().min(0).max(20).optional(),
    /** Refused with `not_cacheable` for calls whose answers are meant to differ. */
    cache: answerCacheSchema.optional(),
  }),
  response: z.discriminatedUnion('status', [
    z.object({
      status: z.literal('completed'),
      text: z.string(),
      toolCalls: z.array(toolCallSchema),
      finishReason: finishReasonSchema,
      usage: callUsageSchema,
      /** Which model it was: `openai/gpt-5-mini`. */
      model: z.string(),
      /** Null where they were asked for and did not come. */
      logprobs: logprobsSchema.nullable().optional(),
      /** The answer was given before, and costs nothing. */
      cached: answerCacheSchema.shape.mode.unwrap().optional(),
    }),
    z.object({ status: z.literal('failed'), text: z.string(), usage: callUsageSchema, error: errorShapeSchema }),
  ]),
});

/** Text of a call while it is written, and, empty, the word that the call goes on. Core NATS: what is lost is in the reply. */
export const liveChatPiece = {
  name: 'live.chat-piece',
  version: 1,
  /** `at`: how many characters (UTF-16) were written before. `logprobs` are of the tokens of this text, where they were asked for. */
  data: z.object({
    callId: callIdSchema,
    at: z.int().nonnegative(),
    text: z.string(),
    logprobs: logprobsSchema.optional(),
  }),
};

/** Says that nobody waits for a call any more. */
export const liveChatStop = { name: 'live.chat-stop', version: 1, data: z.object({ callId: callIdSchema }) };

export const embedTexts = defineCommand({
  owner,
  entity: 'embedding',
  action: 'create',
  version: 1,
  summary: 'Has a model turn texts into vectors.',
  request: z.strictObject({
    keyId: z.string().nullable(),
    model: calledModelSchema,
    texts: z.array(z.string().max(1_000_000)).min(1).max(2_048),
    /** How long each vector is, for models that can shorten theirs. */
    dimensions: z.int().min(1).max(100_000).optional(),
  }),
  response: z.object({ embeddings: z.array(z.array(z.number())), model: z.string(), usage: callUsageSchema }),
});

export const rerankRequestSchema = z.strictObject({
  model: calledModelSchema,
  query: z.string().min(1).max(100_000),
  texts: z.array(z.string().max(100_000)).min(1).max(1_000),
  /** So many of the best; absent: all. */
  top: z.int().min(1).max(1_000).optional(),
});

/** Refuses with `no_reranking` where the provider ranks nothing; else as other calls of models. */
export const rerankTexts = defineCommand({
  owner,
  entity: 'ranking',
  action: 'create',
  version: 1,
  summary: 'Has a model order texts by what they say on a query.',
  request: rerankRequestSchema.extend({ keyId: z.string().nullable() }),
  response: z.object({
    /** The best first. Scores have no fixed range: they only compare texts of one answer. */
    items: z.array(z.object({ index: z.int().nonnegative(), score: z.number() })),
    model: z.string(),
    usage: callUsageSchema,
  }),
});

export const listModels = defineCommand({
  owner,
  entity: 'model',
  action: 'list',
  version: 1,
  summary: 'The models that providers list, and routes, by the names that calls use.',
  request: z.strictObject({}),
  response: z.object({ items: z.array(z.object({ name: z.string(), provider: z.string() })) }),
});
