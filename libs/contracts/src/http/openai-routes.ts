/** OpenAI's own shapes, as far as they are served. Fields that are not known are left aside, as OpenAI's clients expect. */
import { z } from 'zod';
import { answerCacheSchema, logprobsSchema } from '../llm-provider/chat.js';
import { jsonObjectSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'openai';

const textPartSchema = z.object({ type: z.literal('text'), text: z.string() });
const imagePartSchema = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) });
const textSchema = z.union([z.string(), z.array(textPartSchema)]);
/** What a model refused to say is said again as its words. */
const answerPartSchema = z.union(
  [textPartSchema, z.object({ type: z.literal('refusal'), refusal: z.string() })],
  'must be text or refusal',
);
/** What would change the answer and is not served is refused by its name: an answer without it would look whole. */
const absent = (error: string) => z.null({ error }).optional();
const toolCallSchema = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

export const openAiMessageSchema = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: textSchema }),
  z.object({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPartSchema, imagePartSchema]))]),
  }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(answerPartSchema)]).nullish(),
    refusal: z.string().nullish(),
    tool_calls: z.array(toolCallSchema).nullish(),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: z.string(), content: textSchema }),
]);
export type OpenAiMessage = z.infer<typeof openAiMessageSchema>;

export const openAiChatRequestSchema = z.object({
  /** `PROVIDER/MODEL`, a model's own name where a provider lists it, `route:NAME`, or `graph:NAME@VERSION`. */
  model: z.string().min(1).max(300),
  messages: z.array(openAiMessageSchema).min(1).max(10_000),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  /** How many answers; each is a call of its own. */
  n: z.int().min(1).max(8).nullish(),
  max_tokens: z.int().min(1).max(1_000_000).nullish(),
  max_completion_tokens: z.int().min(1).max(1_000_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  seed: z.int().nullish(),
  /** Ours: an answer that was given before, billed to nobody. `true` is an exact one, for an hour. */
  cache: z.union([z.boolean(), answerCacheSchema]).nullish(),
  tools: z
    .array(
      z.object({
        type: z.literal('function'),
        function: z.object({
          name: z.string(),
          description: z.string().nullish(),
          parameters: jsonObjectSchema.nullish(),
        }),
      }),
    )
    .max(128)
    .nullish(),
  tool_choice: z
    .union([
      z.enum(['auto', 'none', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
    ])
    .nullish(),
  response_format: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({
        type: z.literal('json_schema'),
        json_schema: z.object({ name: z.string().max(64), schema: jsonObjectSchema.nullish() }),
      }),
    ])
    .nullish(),
  /** Further fields of the input of a graph; left aside by models. */
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  functions: absent('is not served: send them as tools'),
  function_call: absent('is not served: send it as tool_choice'),
  modalities: z.array(z.literal('text', { error: 'must be text: nothing else is answered' })).nullish(),
  audio: absent('is not served: answers are text'),
  web_search_options: absent('is not served: tools of OpenAI itself are not'),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
});
export type OpenAiChatRequest = z.infer<typeof openAiChatRequestSchema>;

const usageSchema = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
});
export type OpenAiUsage = z.infer<typeof usageSchema>;

export const openAiChatCompletionSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.null(),
        tool_calls: z.array(toolCallSchema).optional(),
      }),
      logprobs: z.object({ content: logprobsSchema, refusal: z.null() }).nullable(),
      finish_reason: z.enum(['stop', 'length', 'tool_calls', 'content_filter']),
    }),
  ),
  usage: usageSchema,
  /** Ours: the answers were given before. */
  cached: answerCacheSchema.shape.mode.unwrap().optional(),
});
export type OpenAiChatCompletion = z.infer<typeof openAiChatCompletionSchema>;
export type OpenAiFinishReason = OpenAiChatCompletion['choices'][number]['finish_reason'];

export const openAiErrorSchema = z.object({
  error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string().nullable() }),
});
export type OpenAiError = z.infer<typeof openAiErrorSchema>;

const embeddingsRequestSchema = z.object({
  model: z.string().min(1).max(300),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(2_048)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).max(100_000).nullish(),
});

const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
});

/** Large enough for pictures. */
const mostBytes = 20 * 1024 * 1024;

export const openAiRoutes = {
  openAiChatCompletions: defineRoute({
    name: 'openAiChatCompletions',
    tag,
    method: 'POST',
    path: '/openai/v1/chat/completions',
    summary:
      "Answers a conversation, as OpenAI's chat completions do, whole or as a stream. Errors have OpenAI's shape.",
    role: 'editor',
    body: { kind: 'json', schema: openAiChatRequestSchema, maxBytes: mostBytes },
    responses: {
      200: {
        description:
          'The answer; with `stream` server-sent events of `chat.completion.chunk`, and `[DONE]` at their end.',
        schema: openAiChatCompletionSchema,
        mediaType: 'text/event-stream',
      },
    },
  }),
  openAiEmbeddings: defineRoute({
    name: 'openAiEmbeddings',
    tag,
    method: 'POST',
    path: '/openai/v1/embeddings',
    summary: 'Turns texts into vectors.',
    role: 'editor',
    body: { kind: 'json', schema: embeddingsRequestSchema, maxBytes: mostBytes },
    responses: {
      200: {
        description: 'A vector for each text, as numbers or as little-endian 32-bit floats in base64.',
        schema: z.object({
          object: z.literal('list'),
          data: z.array(
            z.object({
              object: z.literal('embedding'),
              index: z.int(),
              embedding: z.union([z.array(z.number()), z.string()]),
            }),
          ),
          model: z.string(),
          usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
        }),
      },
    },
  }),
  openAiModels: defineRoute({
    name: 'openAiModels',
    tag,
    method: 'GET',
    path: '/openai/v1/models',
    summary: 'Models that providers list, and routes.',
    role: 'viewer',
    responses: {
      200: { description: 'All of them.', schema: z.object({ object: z.literal('list'), data: z.array(modelSchema) }) },
    },
  }),
  openAiModel: defineRoute({
    name: 'openAiModel',
    tag,
    method: 'GET',
    path: '/openai/v1/models/{model}',
    summary: 'One of them. The name is one segment of the address: its slashes are written as %2F.',
    role: 'viewer',
    params: z.strictObject({ model: z.string().min(1).max(300) }),
    responses: { 200: { description: 'The model.', schema: modelSchema } },
  }),
};
