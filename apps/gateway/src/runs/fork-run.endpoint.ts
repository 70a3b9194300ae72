import { routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';
import { callersTraceparent } from './callers-traceparent.js';
import { RunStarter } from './run-starter.js';

type ForkRun = typeof routes.forkRun;

@Endpoint(routes.forkRun)
export class ForkRunEndpoint implements Serves<ForkRun> {
  constructor(@Inject(RunStarter) private readonly starter: RunStarter) {}

  async handle({ params, body, headers, context, http }: RouteRequest<ForkRun>): Promise<RouteReply<ForkRun>> {
    const { run, replayed, kept } = await this.starter.start({
      beginning: { kind: 'fork', parent: params.id, body },
      idempotencyKey: headers['idempotency-key'],
      traceparent: callersTraceparent(http),
      context,
    });
    await kept;
    const answered = { location: `/v1/runs/${run.id}`, ...(replayed && { 'idempotent-replayed': 'true' }) };
    return { status: 202, body: run, headers: answered };
  }
}
