import type { Route } from '@millrace/contracts';
import { InFlight, MillraceError } from '@millrace/kernel';
import { CONFIG } from '@millrace/service';
import { httpOpenStreams, overloadRefusals } from '@millrace/telemetry';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type { GatewayConfig } from '../config.js';
import type { RouteRequest } from '../endpoint/exchange.js';

/** The long answers that are open in this process: counted for each tenant, and ended when the process drains. */
@Injectable()
export class OpenStreams implements BeforeApplicationShutdown {
  private readonly counts = new Map<string, number>();
  /** What ends each. One signal for all would be joined to every request's own, and keep a mark of each for ever. */
  private readonly ending = new InFlight<AbortController>();
  private isDraining = false;
  private readonly open = httpOpenStreams.at({});
  private readonly refusals = overloadRefusals.at({ 'millrace.queue': 'http-streams' });

  constructor(@Inject(CONFIG) private readonly config: Pick<GatewayConfig, 'maxStreams'>) {}

  /**
   * Runs `work` as one of the tenant's open streams. The signal it gets aborts when the caller goes away or the process
   * drains.
   * @throws MillraceError `too_many_streams`.
   */
  async run<Result>(
    request: Pick<RouteRequest<Route>, 'context' | 'signal' | 'http'>,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const { tenantId } = request.context;
    if (this.isFull(tenantId)) {
      this.refusals.add(1);
      const message = `There are ${this.config.maxStreams} open streams. Close one first.`;
      throw new MillraceError('overloaded', 'too_many_streams', message, { retryAfterSeconds: 5 });
    }
    this.counts.set(tenantId, this.countOf(tenantId) + 1);
    this.open.add(1);
    request.http.request.leaveInFlight?.();
    const ending = new AbortController();
    const end = (): void => ending.abort();
    if (this.isDraining || request.signal.aborted) end();
    request.signal.addEventListener('abort', end, { once: true });
    const place = this.ending.add(ending);
    try {
      return await work(ending.signal);
    } finally {
      this.ending.remove(place, ending);
      request.signal.removeEventListener('abort', end);
      this.release(tenantId);
    }
  }

  isFull(tenantId: string): boolean {
    return this.countOf(tenantId) >= this.config.maxStreams;
  }

  beforeApplicationShutdown(): void {
    this.isDraining = true;
    for (const ending of this.ending) ending.abort();
  }

  private release(tenantId: string): void {
    this.open.add(-1);
    const left = this.countOf(tenantId) - 1;
    if (left > 0) this.counts.set(tenantId, left);
    else this.counts.delete(tenantId);
  }

  private countOf(tenantId: string): number {
    return this.counts.get(tenantId) ?? 0;
  }
}
