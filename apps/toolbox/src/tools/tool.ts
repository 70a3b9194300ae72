import type { JsonValue } from '@millrace/kernel';
import type { z } from 'zod';

/** The circumstances of one call. */
export interface ToolCall {
  readonly signal: AbortSignal;
  /** For a tool that changes something: its target must do it once, however often it is asked with this key. */
  readonly idempotencyKey?: string | undefined;
}

/** A tool that a graph may call: what it takes, and what it does with it. */
export interface Tool<Arguments = unknown> {
  readonly name: string;
  /** One sentence for whoever chooses a tool, a model included. */
  readonly description: string;
  readonly arguments: z.ZodType<Arguments>;
  /** Must end soon after the signal aborts. */
  execute(this: void, given: Arguments, call: ToolCall): Promise<JsonValue>;
}

/** A tool without the type of its arguments, to keep it in a list: they are validated before every call. */
export interface AnyTool extends Omit<Tool, 'arguments' | 'execute'> {
  readonly arguments: z.ZodType;
  execute(this: void, given: never, call: ToolCall): Promise<JsonValue>;
}

export const defineTool = <Arguments>(tool: Tool<Arguments>): AnyTool => tool;
