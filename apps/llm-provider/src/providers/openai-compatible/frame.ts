import { z } from 'zod';

const toolCallSchema = z.object({
  index: z.int().nonnegative().nullish(),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }),
});
export type ToolCallDelta = z.infer<typeof toolCallSchema>;

const contentPartSchema = z.object({
  type: z.string(),
  text: z.unknown().optional(),
  thinking: z
    .unknown()
    .optional()
    .transform((value) => thoughtsSchema.safeParse(value).data),
});
const thoughtsSchema = z.array(z.object({ text: z.string().optional() }));

const deltaSchema = z.object({
  content: z.union([z.string(), z.array(contentPartSchema)]).nullish(),
  refusal: z
    .unknown()
    .optional()
    .transform((value) => (typeof value === 'string' ? value : null)),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z.array(toolCallSchema).nullish(),
});
export type Delta = z.infer<typeof deltaSchema>;

/** One frame of a streamed completion, or an error in its place. Servers of this protocol differ in all that is not named here. */
export const frameSchema = z.union([
  z.object({
    choices: z.array(z.object({ delta: deltaSchema.nullish(), finish_reason: z.string().nullish() })),
    usage: z.unknown().optional(),
    error: z.null().optional(),
  }),
  z.object({ error: z.union([z.string(), z.number(), z.looseObject({})]) }),
]);
