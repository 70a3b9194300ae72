import type { InputOf, OutputOf, toolTask } from '@millrace/contracts';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Injectable } from '@nestjs/common';
import { callTool } from '../tools/registry.js';

@Injectable()
export class CallToolHandler {
  /** @throws MillraceError `unknown_tool`, `invalid_arguments` */
  async handle(input: InputOf<typeof toolTask>, task: Task): Promise<TaskResultOf<OutputOf<typeof toolTask>>> {
    const { signal, idempotencyKey } = task;
    return { output: { result: await callTool(input.tool, input.arguments, { signal, idempotencyKey }) } };
  }
}
