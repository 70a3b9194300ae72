/** OpenAI's Responses, as far as they are served: each is kept under its id unless its caller says `store: false`. */
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

/** An item of a response that is kept, in its place. */
const itemReferenceSchema = z.object({ type: z.literal('item_reference'), id: z.string().min(1).max(200) });

/** What there is no word for is refused by its name: an answer that never saw it would look whole. */
const inputItemSchema = z.union(
  [messageSchema, functionCallSchema, functionCallOutputSchema, reasoningSchema, itemReferenceSchema],
  'must be a message, function_call, function_call_output, reasoning or item_reference',
);
export type OpenAiInputItem = z.infer<typeof inputItemSchema>;

const functionToolSchema = z.object({
  type: z.literal('function', { error: 'must be function: tools of OpenAI itself are not served' }),
  name: z.string(),
  description: z.string().nullish(),
  parameters: jsonObjectSchema.nullish(),
});

const noConversations = { error: 'is not served: continue a response by previous_response_id' };
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
  /** Whether the response is kept under its id, to be read and continued. Yes where nothing is said. */
  store: z.boolean().nullish(),
  /** A response that was kept: its input and output come before this input. Its instructions do not. */
  previous_response_id: z.string().min(1).max(200).nullish(),
  conversation: z.null(noConversations).optional(),
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
  previous_response_id: z.string().nullable(),
  /** Whether it is kept under its id. */
  store: z.boolean(),
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

const storedContentSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('input_text'), text: z.string() }),
  z.object({ type: z.literal('output_text'), text: z.string(), annotations: z.array(z.never()) }),
  refusalSchema,
  z.object({ type: z.literal('input_image'), image_url: z.string(), detail: z.literal('auto') }),
]);

/** What a response was asked, item by item, each under an id of its own. */
export const openAiStoredInputSchema = z.discriminatedUnion('type', [
  messageSchema.extend({
    type: z.literal('message'),
    id: z.string(),
    status: z.literal('completed'),
    content: z.array(storedContentSchema),
  }),
  functionCallSchema.extend({ id: z.string(), status: z.literal('completed') }),
  functionCallOutputSchema.extend({ id: z.string(), status: z.literal('completed') }),
]);
export type OpenAiStoredInput = z.infer<typeof openAiStoredInputSchema>;

/** Large enough for pictures. */
const mostBytes = 20 * 1024 * 1024;

const responseParams = z.strictObject({ id: z.string().min(1).max(200) });

/** Fields that OpenAI's client sends on demand and that change nothing here: what is kept is always given whole. */
const includes = z.union([z.string().max(100), z.array(z.string().max(100)).max(20)]).optional();
const alwaysWhole = { include: includes, 'include[]': includes };

export const openAiResponsesRoutes = {
  openAiResponses: defineRoute({
    name: 'openAiResponses',
    tag: 'openai',
    method: 'POST',
    path: '/openai/v1/responses',
    summary:
      "Answers as OpenAI's responses do, whole or as a stream of typed events, and keeps the response unless `store` is false.",
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
  openAiGetResponse: defineRoute({
    name: 'openAiGetResponse',
    tag: 'openai',
    method: 'GET',
    path: '/openai/v1/responses/{id}',
    summary: 'A response that is kept.',
    role: 'viewer',
    params: responseParams,
    query: z.strictObject({
      ...alwaysWhole,
      stream: z.literal(false, { error: 'is not served: a response that is kept is given whole' }).optional(),
    }),
    responses: { 200: { description: 'The response, as its caller got it.', schema: openAiResponseSchema } },
  }),
  openAiDeleteResponse: defineRoute({
    name: 'openAiDeleteResponse',
    tag: 'openai',
    method: 'DELETE',
    path: '/openai/v1/responses/{id}',
    summary: 'Removes a response with its input. What was continued from it can be read, and no longer continued.',
    role: 'editor',
    params: responseParams,
    responses: {
      200: {
        description: 'It is gone.',
        schema: z.object({ id: z.string(), object: z.literal('response'), deleted: z.literal(true) }),
      },
    },
  }),
  openAiListInputItems: defineRoute({
    name: 'openAiListInputItems',
    tag: 'openai',
    method: 'GET',
    path: '/openai/v1/responses/{id}/input_items',
    summary: 'What a response was asked: its own input, and input and output of those that it continues.',
    role: 'viewer',
    params: responseParams,
    query: z.strictObject({
      ...alwaysWhole,
      limit: z.int().min(1).max(100).optional(),
      /** The newest first where nothing is said. */
      order: z.enum(['asc', 'desc']).optional(),
      /** The id of the last item that is known. */
      after: z.string().min(1).max(200).optional(),
    }),
    responses: {
      200: {
        description: 'A page of items.',
        schema: z.object({
          object: z.literal('list'),
          data: z.array(z.union([openAiStoredInputSchema, openAiOutputItemSchema])),
          first_id: z.string().nullable(),
          last_id: z.string().nullable(),
          has_more: z.boolean(),
        }),
      },
    },
  }),
};
