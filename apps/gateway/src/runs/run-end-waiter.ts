import {
  getRun,
  liveEventsSubject,
  liveRunEvents,
  type Route,
  type Run,
  type RunEventType,
  terminalEventTypes,
  terminalStatuses,
} from '@millrace/contracts';
import type { MessageBus } from '@millrace/messaging';
import { BUS, CONFIG } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import type { GatewayConfig } from '../config.js';
import type { RouteRequest } from '../endpoint/exchange.js';
import { OpenStreams } from '../stream/open-streams.js';
import { WakeUp } from '../stream/wake-up.js';

/** Waits for the end of a run, for callers who would rather wait than ask again. */
@Injectable()
export class RunEndWaiter {
  constructor(
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(CommandSender) private readonly commands: CommandSender,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /**
   * The run as it is when it has ended, when the time is over, or when this process drains, whichever comes first. With
   * too many waiting already it does not wait: the run is stored, and a caller must not lose its answer.
   */
  async wait(run: Run, seconds: number, request: RouteRequest<Route>): Promise<Run> {
    if (terminalStatuses.has(run.status) || seconds === 0) return run;
    if (this.streams.isFull(request.context.tenantId)) return run;
    return await this.streams.run(request, (gone) =>
      this.waitUntil(run, AbortSignal.any([gone, AbortSignal.timeout(seconds * 1000)]), request),
    );
  }

  private async waitUntil(run: Run, over: AbortSignal, { context }: RouteRequest<Route>): Promise<Run> {
    const ended = new WakeUp();
    const subscription = await this.bus.subscribe(liveEventsSubject(run.id), ({ envelope }) => {
      const hint = liveRunEvents.data.safeParse(envelope.data);
      if (hint.success && hint.data.events.some(({ type }) => terminalEventTypes.has(type as RunEventType)))
        ended.ring();
    });
    try {
      let latest = await this.look(run, context);
      while (!terminalStatuses.has(latest.status) && !over.aborted) {
        await ended.wait(this.config.streamPollMs, over);
        latest = await this.look(latest, context);
      }
      return latest;
    } finally {
      await subscription.stop();
    }
  }

  /** The run as it is now; as it was, where it cannot be read just now: it is stored all the same. */
  private async look(known: Run, context: RouteRequest<Route>['context']): Promise<Run> {
    return await this.commands.send(getRun, context, { runId: known.id }).catch(() => known);
  }
}
