import { getRun, type MessageContext, type Route, type Run, terminalStatuses } from '@millrace/contracts';
import { CONFIG } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import type { GatewayConfig } from '../config.js';
import type { RouteRequest } from '../endpoint/exchange.js';
import { OpenStreams } from '../stream/open-streams.js';
import { type RunEnd, RunEnds } from './run-ends.js';

/**
 * Waits for the end of runs, for callers who would rather wait than ask again. Who listens before the run is started hears of
 * its end whenever it comes; the store is asked only where a hint was lost.
 */
@Injectable()
export class RunEndWaiter {
  constructor(
    @Inject(RunEnds) private readonly ends: RunEnds,
    @Inject(CommandSender) private readonly commands: CommandSender,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /** Begins to listen for the end of a run; what is sent to the bus afterwards cannot end it unheard. Must be stopped. */
  listen(runId: string, { tenantId }: MessageContext): RunEnd {
    return this.ends.listen(runId, tenantId);
  }

  /**
   * The run as it is when it has ended, when the time is over, or when this process drains, whichever comes first. `run` must be
   * no older than `end`. With too many waiting already it does not wait: the run is stored, and a caller must not lose its answer.
   */
  async wait(run: Run, end: RunEnd, seconds: number, request: RouteRequest<Route>): Promise<Run> {
    if (terminalStatuses.has(run.status) || seconds === 0) return run;
    if (this.streams.isFull(request.context.tenantId)) return run;
    const deadline = performance.now() + seconds * 1000;
    return await this.streams.run(request, (gone) => this.waitUntil(deadline, run, end, gone, request.context));
  }

  /** The run as it is now; as it was, where it cannot be read just now: it is stored all the same. */
  async look(known: Run, context: MessageContext): Promise<Run> {
    return await this.commands.send(getRun, context, { runId: known.id }).catch(() => known);
  }

  private async waitUntil(
    deadline: number,
    run: Run,
    end: RunEnd,
    gone: AbortSignal,
    context: MessageContext,
  ): Promise<Run> {
    let latest = run;
    for (;;) {
      const leftMs = deadline - performance.now();
      await end.heard.wait(Math.max(0, Math.min(this.config.streamPollMs, leftMs)), gone);
      if (end.run !== null) return end.run;
      latest = await this.look(latest, context);
      if (terminalStatuses.has(latest.status) || gone.aborted || performance.now() >= deadline) return latest;
    }
  }
}
