/** OpenAI's Responses, as far as they are served: every response stands alone, nothing is stored under its id. */
import { z } from 'zod';
import { answerCacheSchema, logprobsSchema } from '../llm-provider/chat.js';
import { jsonObjectSchema } from '../shared.js';
import { defineRoute } from './route.js';

const inputTextSchema = z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() });
const refusalSchema = z.object({ type: z.literal('refusal'), refusal: z.string() });
const inputImageSchema = z.object({
  type: z.literal('input_image'),
  image_url: z.string({ error: 'must be an address or a data URL; files are not stored here' }),
});

const messageSchema = z.object({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([
    z.string(),
    z.array(z.discriminatedUnion('type', [inputTextSchema, refusalSchema, inputImageSchema])).max(1_000),
  ]),
});

const functionCallSchema = z.object({
  type: z.literal('function_call'),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
});

const functionCallOutputSchema = z.object({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: z.union([z.string(), z.array(inputTextSchema).max(1_000)]),
});

/** A model's thoughts, sent back with what came of them: nothing here can read them, so they are left aside. */
const reasoningSchema = z.object({ type: z.literal('reasoning') });

/** What there is no word for is refused by its name: an answer that never saw it would look whole. */
const inputItemSchema = z.union(
  [messageSchema, functionCallSchema, functionCallOutputSchema, reasoningSchema],
  'must be a message, function_call, function_call_output or reasoning',
);
export type OpenAiInputItem = z.infer<typeof inputItemSchema>;

const functionToolSchema = z.object({
  type: z.literal('function', { error: 'must be function: tools of OpenAI itself are not served' }),
  name: z.string(),
  description: z.string().nullish(),
  parameters: jsonObjectSchema.nullish(),
});

const notStored = { error: 'is not served: responses are not stored here; send the earlier items as input' };
const absent = (error: string) => z.null({ error }).optional();

export const openAiResponsesRequestSchema = z.object({
  /** As for chat completions. */
  model: z.string().min(1).max(300),
  input: z.union([z.string().min(1), z.array(inputItemSchema).min(1).max(10_000)]),
  /** Put before the input as words of the system. */
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().min(1).max(1_000_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  /** `message.output_text.logprobs` asks for likelihoods; the rest names what is not served and is left aside. */
  include: z.array(z.string().max(100)).max(20).nullish(),
  tools: z.array(functionToolSchema).max(128).nullish(),
  tool_choice: z
    .union([z.enum(['auto', 'none', 'required']), z.object({ type: z.literal('function'), name: z.string() })])
    .nullish(),
  text: z
    .object({
      format: z
        .discriminatedUnion('type', [
          z.object({ type: z.literal('text') }),
          z.object({ type: z.literal('json_object') }),
          z.object({ type: z.literal('json_schema'), name: z.string().max(64), schema: jsonObjectSchema }),
        ])
        .nullish(),
    })
    .nullish(),
  /** Further fields of the input of a graph; given back. */
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  /** Ours, as for chat completions. */
  cache: z.union([z.boolean(), answerCacheSchema]).nullish(),
  previous_response_id: z.null(notStored).optional(),
  conversation: z.null(notStored).optional(),
  background: z.literal(false, { error: 'is not served: a call is answered while its caller waits' }).nullish(),
  prompt: absent('is not served: send the text itself as instructions'),
});
export type OpenAiResponsesRequest = z.infer<typeof openAiResponsesRequestSchema>;

const itemStatusSchema = z.enum(['in_progress', 'completed', 'incomplete']);

export const openAiOutputItemSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message'),
    id: z.string(),
    role: z.literal('assistant'),
    status: itemStatusSchema,
    content: z.array(
      z.object({
        type: z.literal('output_text'),
        text: z.string(),
        annotations: z.array(z.never()),
        logprobs: logprobsSchema,
      }),
    ),
  }),
  z.object({
    type: z.literal('function_call'),
    id: z.string(),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
    status: itemStatusSchema,
  }),
]);
export type OpenAiOutputItem = z.infer<typeof openAiOutputItemSchema>;

export const openAiResponseSchema = z.object({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int(),
  status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
  model: z.string(),
  output: z.array(openAiOutputItemSchema),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z.object({ reason: z.enum(['max_output_tokens', 'content_filter']) }).nullable(),
  instructions: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  parallel_tool_calls: z.boolean(),
  temperature: z.number().nullable(),
  top_p: z.number().nullable(),
  max_output_tokens: z.int().nullable(),
  tool_choice: z.unknown(),
  tools: z.array(z.unknown()),
  text: z.unknown(),
  previous_response_id: z.null(),
  store: z.literal(false),
  usage: z
    .object({
      input_tokens: z.int(),
      input_tokens_details: z.object({ cached_tokens: z.int() }),
      output_tokens: z.int(),
      output_tokens_details: z.object({ reasoning_tokens: z.int() }),
      total_tokens: z.int(),
    })
    .nullable(),
  /** Ours: the answer was given before. */
  cached: answerCacheSchema.shape.mode.unwrap().optional(),
});
export type OpenAiResponse = z.infer<typeof openAiResponseSchema>;

/** Large enough for pictures. */
const mostBytes = 20 * 1024 * 1024;

export const openAiResponsesRoutes = {
  openAiResponses: defineRoute({
    name: 'openAiResponses',
    tag: 'openai',
    method: 'POST',
    path: '/openai/v1/responses',
    summary: "Answers as OpenAI's responses do, whole or as a stream of typed events. Nothing is stored under its id.",
    role: 'editor',
    body: { kind: 'json', schema: openAiResponsesRequestSchema, maxBytes: mostBytes },
    responses: {
      200: {
        description: 'The response; with `stream` server-sent events, `response.created` to `response.completed`.',
        schema: openAiResponseSchema,
        mediaType: 'text/event-stream',
      },
    },
  }),
};
