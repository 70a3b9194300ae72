/** What is said to a model and what it says, whoever made the model. Edges translate their own formats to this one. */
import { z } from 'zod';
import { jsonObjectSchema } from '../shared.js';

/**
 * Which model: `extractive`, `PROVIDER/MODEL` as in `openai/gpt-5-mini` (the model's name may hold slashes itself), or `route:NAME`.
 */
export const modelNameSchema = z
  .string()
  .max(300)
  .regex(/^(extractive|route:[a-z0-9][a-z0-9_-]{0,62}|[a-z0-9][a-z0-9_-]{0,62}\/[^\s]+)$/, {
    error: 'must be extractive, PROVIDER/MODEL or route:NAME',
  });

/** A picture in a message: as a data URL, or as an https address that the provider loads by itself. Nothing here loads it. */
export const imagePartSchema = z.strictObject({
  type: z.literal('image'),
  url: z
    .string()
    .max(20_000_000)
    .regex(
      /^(https:\/\/|data:image\/(png|jpeg|gif|webp);base64,)/,
      'must be an https address or a data URL of an image',
    ),
});
export const textPartSchema = z.strictObject({ type: z.literal('text'), text: z.string() });

/** A model's wish to use a tool; `arguments` is JSON text. */
export const toolCallSchema = z.strictObject({
  id: z.string().min(1).max(200),
  name: z.string().min(1).max(200),
  arguments: z.string().max(1_000_000),
});
export type ToolCall = z.infer<typeof toolCallSchema>;

export const chatMessageSchema = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPartSchema, imagePartSchema])).max(100)]),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string(),
    toolCalls: z.array(toolCallSchema).max(128).optional(),
  }),
  /** What a tool answered; `toolCallId` is the id of a call in an earlier message. */
  z.strictObject({ role: z.literal('tool'), toolCallId: z.string().min(1).max(200), content: z.string() }),
]);
export type ChatMessage = z.infer<typeof chatMessageSchema>;

/** A tool that a model may ask for; `parameters` is a JSON Schema of an object. */
export const chatToolSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 letters, digits, _, . or -'),
  description: z.string().max(10_000).optional(),
  parameters: jsonObjectSchema.default({ type: 'object', properties: {} }),
});
export type ChatTool = z.infer<typeof chatToolSchema>;

/** Whether the model may, must or must not ask for a tool, or must ask for one. */
export const toolChoiceSchema = z.union([
  z.enum(['auto', 'none', 'required']),
  z.strictObject({ tool: z.string().min(1).max(64) }),
]);
export type ToolChoice = z.infer<typeof toolChoiceSchema>;

/** JSON instead of free text, by a schema where there is one. */
export const jsonFormatSchema = z.strictObject({
  name: z.string().max(64).optional(),
  schema: jsonObjectSchema.optional(),
});

const tokenLikelihood = {
  token: z.string(),
  /** Natural logarithm of how likely the token was. */
  logprob: z.number(),
  /** Its bytes in UTF-8, where it is a part of a character. */
  bytes: z.array(z.int()).nullable().default(null),
};

/** How likely each token of an answer was, and which others were likely in its place. */
export const logprobsSchema = z.array(
  z.object({ ...tokenLikelihood, top_logprobs: z.array(z.object(tokenLikelihood)).default([]) }),
);
export type Logprobs = z.infer<typeof logprobsSchema>;

/**
 * Asks for an answer that was given before to the same call, if it is no older; the first one is kept. `semantic` finds the last
 * question also where it was asked in other words, but only in words that cannot change its meaning.
 */
export const answerCacheSchema = z.strictObject({
  mode: z.enum(['exact', 'semantic']).default('exact'),
  ttlSeconds: z.int().min(1).max(2_592_000).default(3_600),
});
export type AnswerCache = z.infer<typeof answerCacheSchema>;

export const finishReasonSchema = z.enum(['stop', 'length', 'content-filter', 'tool-calls', 'other']);
