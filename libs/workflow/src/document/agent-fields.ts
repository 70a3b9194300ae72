/** What an `agent` node says beside what all nodes say, and what it is given. */
import { chatMessageSchema, modelNameSchema, passageSchema } from '@millrace/contracts';
import { z } from 'zod';
import { limits } from '../limits.js';
import type { DeclaredTool } from './agent-tools.js';
import { inputSchemaSchema } from './input-schema.js';
import { template } from './scalars.js';
import { timeouts, workerPolicies } from './policies.js';

/** The tool by which a model ends, where the answer has a schema. */
export const finishTool = 'finish';

/** Names that every provider of models takes. */
export const toolNamePattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** `declared` is the schema of tools that are the work of other nodes. */
export const agentTools = (declared: z.ZodType<DeclaredTool>) =>
  z
    .array(z.union([z.string().regex(toolNamePattern, 'must be 1 to 64 letters, digits, _, . or -'), declared]))
    .max(limits.agentTools)
    .default([])
    .describe(
      'What the model may call, and nothing else: tools of the toolbox by name, and the work of other kinds of nodes as it is declared here.',
    );

const { retry, estimate, concurrency, lane } = workerPolicies;

export const agentFields = {
  with: z.record(z.string(), template).default({}).describe('What the model is told, and which model it is.'),
  maxRounds: z
    .int()
    .min(1)
    .max(limits.agentRounds)
    .default(10)
    .describe('How often the model is asked at most. What it calls in the last round is not done.'),
  maxToolCalls: z
    .int()
    .min(0)
    .max(limits.agentToolCalls)
    .default(50)
    .describe('How many tool calls are made at most, over all rounds.'),
  maxParallel: z
    .int()
    .min(1)
    .max(limits.agentCallsInRound)
    .default(8)
    .describe('How many calls of one round run at a time.'),
  output: inputSchemaSchema.optional().describe('A JSON Schema that the answer must fit; `json` is the answer then.'),
  onExhausted: z
    .enum(['fail', 'best'])
    .default('fail')
    .describe('Without an answer in time: the node fails, or it completes with the last that the model said.'),
  budget: z
    .strictObject({ usd: z.number().positive().max(limits.usd) })
    .optional()
    .describe('What the model may cost in this node, in US dollars: no round begins beyond it.'),
  timeout: z
    .strictObject({ total: timeouts.total, attempt: timeouts.attempt, idle: timeouts.idle })
    .optional()
    .describe('`total` is for the whole node, `attempt` and `idle` are for each call of the model and of a tool.'),
  retry: retry.describe('How often a call of the model or of a tool is tried again.'),
  estimate,
  concurrency,
  lane,
};

/** What an agent is given. */
export const agentInputSchema = z
  .strictObject({
    /** What it is and how it works. */
    system: z.string().optional(),
    /** What it is to do. */
    prompt: z.string().min(1).optional(),
    /** A conversation that it goes on with; `prompt` follows it. */
    messages: z.array(chatMessageSchema).max(1_000).optional(),
    /** Absent: the one that is configured. */
    model: modelNameSchema.optional(),
    evidence: z.array(passageSchema).max(200).optional(),
    maxTokens: z.int().min(1).max(100_000).optional(),
    temperature: z.number().min(0).max(2).optional(),
  })
  .refine(({ prompt, messages = [] }) => prompt !== undefined || messages.length > 0, {
    path: ['prompt'],
    error: 'is missing, and there are no messages',
  });
export type AgentInput = z.infer<typeof agentInputSchema>;

export const agentInputFields: readonly string[] = Object.keys(agentInputSchema.shape);
