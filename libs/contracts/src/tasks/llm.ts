import { z } from 'zod';
import { defineTask } from '../contract.js';
import {
  answerCacheSchema,
  chatMessageSchema,
  chatToolSchema,
  finishReasonSchema,
  jsonFormatSchema,
  modelNameSchema,
  toolCallSchema,
  toolChoiceSchema,
} from '../llm-provider/chat.js';
import { citationSchema, passageSchema } from '../research/citation.js';
import { jsonObjectSchema, jsonValueSchema } from '../shared.js';

/**
 * A completion. Either a shipped prompt (`content/draft@1`) with its variables, or plain messages. Passages given as
 * `evidence` are numbered for the model; markers in its text that name none of them are removed, the rest become citations.
 */
export const llmTask = defineTask({
  taskKind: 'llm',
  version: 1,
  summary: 'Completes a prompt with a model.',
  ackWaitMs: 60_000,
  input: z.strictObject({
    prompt: z
      .string()
      .regex(/^[a-z0-9-]+\/[a-z0-9-]+@[1-9][0-9]*$/, 'must be FOLDER/NAME@VERSION')
      .optional(),
    variables: jsonObjectSchema.default({}),
    messages: z.array(chatMessageSchema).optional(),
    /** Absent: the one that is configured. */
    model: modelNameSchema.optional(),
    tools: z.array(chatToolSchema).max(128).optional(),
    toolChoice: toolChoiceSchema.optional(),
    /** Asks for JSON where plain messages are given; a prompt says by itself what it wants. */
    answer: jsonFormatSchema.optional(),
    evidence: z.array(passageSchema).max(200).default([]),
    maxTokens: z.int().min(1).max(100_000).optional(),
    temperature: z.number().min(0).max(2).optional(),
    seed: z.int().optional(),
    /** Takes an answer that was given before; needs a temperature of 0 or a seed. */
    cache: answerCacheSchema.optional(),
  }),
  output: z.object({
    text: z.string(),
    /** The parsed answer where the prompt asks for JSON, else null; `text` is the same as JSON text then. */
    json: jsonValueSchema.nullable(),
    citations: z.array(citationSchema),
    /** Which model wrote it, e.g. `extractive` or `openai/gpt-5-mini`. */
    model: z.string(),
    finishReason: finishReasonSchema,
    /** Tools that the model asks for; somebody else calls them. */
    toolCalls: z.array(toolCallSchema).optional(),
    /** The answer was given before, and costs nothing. */
    cached: answerCacheSchema.shape.mode.unwrap().optional(),
  }),
});

/** What `content/outline@1` answers. */
export const outlineSchema = z.object({
  title: z.string(),
  description: z.string(),
  sections: z.array(z.object({ heading: z.string(), query: z.string() })).min(1),
});
export type Outline = z.infer<typeof outlineSchema>;

/** What `content/draft@1` answers; `markdown` begins with `# ` and the title. Citations are beside it, in the task's output. */
export const articleSchema = z.object({ title: z.string(), description: z.string(), markdown: z.string() });
export type Article = z.infer<typeof articleSchema>;
