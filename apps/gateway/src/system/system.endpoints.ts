import { openApiDocument, routes } from '@millrace/contracts';
import { HEALTH, type HealthCheck, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, Serves } from '../endpoint/exchange.js';

type Liveness = typeof routes.liveness;
type Readiness = typeof routes.readiness;
type OpenApi = typeof routes.openapi;

/** Looks at no dependency: an outage of one must not restart every process. */
@Endpoint(routes.liveness)
export class LivenessEndpoint implements Serves<Liveness> {
  handle(): Promise<RouteReply<Liveness>> {
    return Promise.resolve({ status: 200, body: { status: 'ok', problems: [] } });
  }
}

@Endpoint(routes.readiness)
export class ReadinessEndpoint implements Serves<Readiness> {
  constructor(
    @Inject(HEALTH) private readonly health: HealthCheck,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Anybody may ask, so what is wrong is only named; the log has the details. */
  async handle(): Promise<RouteReply<Readiness>> {
    const { ready, problems } = await this.health.check();
    if (ready) return { status: 200, body: { status: 'ok', problems: [] } };
    this.logger.warn({ problems }, 'not ready');
    const named = problems.map((problem) => problem.split(':', 1)[0] ?? problem);
    return { status: 503, body: { status: 'unavailable', problems: [...new Set(named)] } };
  }
}

@Endpoint(routes.openapi)
export class OpenApiEndpoint implements Serves<OpenApi> {
  private readonly document = openApiDocument();

  handle(): Promise<RouteReply<OpenApi>> {
    return Promise.resolve({ status: 200, body: this.document });
  }
}
