import type { httpTask, InputOf, OutputOf } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { fetchWeb, WebGuard } from '@millrace/resilience';
import { CONFIG } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { ToolboxConfiguration } from '../config.js';
import { outputOf } from './http-answer.js';
import { webRequestOf } from './http-request.js';

/** How long an answer may take where the node sets no deadline. */
const longestMs = 60_000;

@Injectable()
export class SendRequestHandler {
  private readonly guard: WebGuard;

  constructor(@Inject(CONFIG) { allowedHosts }: ToolboxConfiguration) {
    this.guard = new WebGuard({ allow: allowedHosts });
  }

  /** @throws MillraceError `invalid_headers`, `http_timeout`, `http_<status>` for a status that is not expected, and as `fetchWeb` */
  async handle(input: InputOf<typeof httpTask>, task: Task): Promise<TaskResultOf<OutputOf<typeof httpTask>>> {
    const request = webRequestOf(input, task);
    const response = await inTime(task.signal, (signal) => fetchWeb(this.guard, { ...request, signal }));
    return { output: outputOf(input, response) };
  }
}

async function inTime<Result>(outer: AbortSignal, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const late = new MillraceError('timeout', 'http_timeout', `The answer took longer than ${longestMs / 1000} s.`);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(late), longestMs);
  try {
    return await work(AbortSignal.any([outer, timeout.signal]));
  } finally {
    clearTimeout(timer);
  }
}
