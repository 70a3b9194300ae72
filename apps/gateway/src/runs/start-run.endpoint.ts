import { routes, terminalStatuses } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';
import { callersTraceparent } from './callers-traceparent.js';
import { preferredWait } from './prefer.js';
import { RunEndWaiter } from './run-end-waiter.js';
import type { RunEnd } from './run-ends.js';
import { RunStarter, type StartedRun } from './run-starter.js';

type StartRun = typeof routes.startRun;

@Endpoint(routes.startRun)
export class StartRunEndpoint implements Serves<StartRun> {
  constructor(
    @Inject(RunStarter) private readonly starter: RunStarter,
    @Inject(RunEndWaiter) private readonly waiter: RunEndWaiter,
  ) {}

  async handle(request: RouteRequest<StartRun>): Promise<RouteReply<StartRun>> {
    const waitSeconds = preferredWait(request.headers.prefer);
    const { run, replayed, kept } =
      waitSeconds === null ? await this.start(request) : await this.startAndWait(request, waitSeconds);
    await kept;
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

  private start(request: RouteRequest<StartRun>, beforeSending?: (runId: string) => void): Promise<StartedRun> {
    const { body, headers, context, http } = request;
    const traceparent = callersTraceparent(http);
    return this.starter.start({
      beginning: { kind: 'start', body },
      idempotencyKey: headers['idempotency-key'],
      traceparent,
      context,
      beforeSending,
    });
  }

  private async startAndWait(request: RouteRequest<StartRun>, seconds: number): Promise<StartedRun> {
    const { context } = request;
    let end: RunEnd | undefined;
    try {
      const { run, replayed, kept } = await this.start(request, (runId) => {
        end = this.waiter.listen(runId, context);
      });
      // An answer that is given again is of then, and nobody has listened since.
      end ??= this.waiter.listen(run.id, context);
      const current = replayed ? await this.waiter.look(run, context) : run;
      return { run: await this.waiter.wait(current, end, seconds, request), replayed, kept };
    } finally {
      end?.stop();
    }
  }
}
