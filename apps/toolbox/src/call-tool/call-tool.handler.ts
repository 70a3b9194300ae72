import type { InputOf, OutputOf, toolTask } from '@millrace/contracts';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Injectable } from '@nestjs/common';
import { callTool } from '../tools/registry.js';

@Injectable()
export class CallToolHandler {
  /** @throws MillraceError `unknown_tool`, `invalid_arguments` */
  async handle(input: InputOf<typeof toolTask>, { signal }: Task): Promise<TaskResultOf<OutputOf<typeof toolTask>>> {
    return { output: { result: await callTool(input.tool, input.arguments, { signal }) } };
  }
}
