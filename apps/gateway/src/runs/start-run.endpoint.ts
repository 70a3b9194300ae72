import { routes, terminalStatuses } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';
import { preferredWait } from './prefer.js';
import { RunEndWaiter } from './run-end-waiter.js';
import { RunStarter } from './run-starter.js';

type StartRun = typeof routes.startRun;

/** W3C trace context, version 00: what the caller's own trace is called. */
const traceparentPattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

@Endpoint(routes.startRun)
export class StartRunEndpoint implements Serves<StartRun> {
  constructor(
    @Inject(RunStarter) private readonly starter: RunStarter,
    @Inject(RunEndWaiter) private readonly waiter: RunEndWaiter,
  ) {}

  async handle(request: RouteRequest<StartRun>): Promise<RouteReply<StartRun>> {
    const { body, headers, context, http } = request;
    const waitSeconds = preferredWait(headers.prefer);
    const { run: started, replayed } = await this.starter.start({
      body,
      idempotencyKey: headers['idempotency-key'],
      traceparent: traceparentOf(http.request.headers['traceparent']),
      context,
    });
    const run = waitSeconds === null ? started : await this.waiter.wait(started, waitSeconds, request);
    const hasEnded = waitSeconds !== null && terminalStatuses.has(run.status);
    return {
      status: hasEnded ? 200 : 202,
      body: run,
      headers: {
        location: `/v1/runs/${run.id}`,
        ...(waitSeconds !== null && { 'preference-applied': `wait=${waitSeconds}` }),
        ...(replayed && { 'idempotent-replayed': 'true' }),
      },
    };
  }
}

const traceparentOf = (header: unknown): string | undefined =>
  typeof header === 'string' && traceparentPattern.test(header) ? header : undefined;
