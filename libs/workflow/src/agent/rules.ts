/** What of an agent is the same in all of its rounds. */
import type { JsonObject } from '@millrace/kernel';
import type { z } from 'zod';
import type { ToolRules } from './tool-rules.js';

export interface AgentRules {
  readonly granted: ReadonlySet<string>;
  /** Of these, by name, the work of other nodes. */
  readonly declared: ReadonlyMap<string, ToolRules>;
  readonly maxRounds: number;
  readonly maxToolCalls: number;
  /** What the answer must fit, for checking and as a model is told it; null where any text is an answer. */
  readonly schema: z.ZodType<JsonObject> | null;
  readonly schemaDocument: JsonObject | null;
  readonly onExhausted: 'fail' | 'best';
  readonly budgetUsd: number | null;
  /** What one call of the model costs at most. */
  readonly estimateUsd: number;
}

/** The nodes inside of an agent, as the paths of its steps say them: `research[0].rounds[2].calls[0].call`. A declared tool's call has its name. */
export const agentNodes = {
  ...{ tools: 'tools', rounds: 'rounds', model: 'model', calls: 'calls' },
  ...{ approval: 'approval', call: 'call' },
} as const;
