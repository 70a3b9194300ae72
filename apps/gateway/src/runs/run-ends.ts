/**
 * The ends of runs that requests of this process wait for.
 *
 * 1. One subscription serves all who wait: one for each would cost more than the wait. While nobody waits there is none.
 * 2. Who begins to listen before the run is started hears of its end: the subscription goes out on the same connection.
 * 3. A hint may be lost; whoever waits looks into the store now and then.
 */
import { liveEndSubject, liveRunEnded, type Run } from '@millrace/contracts';
import { InFlight } from '@millrace/kernel';
import type { IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';
import { BUS } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { WakeUp } from '../stream/wake-up.js';

/** What is heard of the end of one run of one tenant. */
export interface RunEnd {
  readonly heard: WakeUp;
  /** The run as it ended, where the hint brought it. */
  readonly run: Run | null;
  /** Nobody needs to wait for it any more. */
  stop(): void;
}

interface Waiting {
  readonly runId: string;
  readonly tenantId: string;
  readonly heard: WakeUp;
  run: Run | null;
  /** The place of another who waits for the same run, or -1. */
  next: number;
}

/** How long the subscription stays when nobody waits, in milliseconds: under load somebody soon does. */
const lingerMs = 5_000;
const nobody = -1;

/** The run of which a message on the subject of ends speaks. */
const runIn = (subject: string): string => subject.split('.')[1] ?? '';

@Injectable()
export class RunEnds {
  private readonly waiting = new InFlight<Waiting>();
  /** By run: the place of one who waits for it. */
  private readonly places = new Map<string, number>();
  private subscription: Promise<Subscription> | undefined;
  private lingering: NodeJS.Timeout | undefined;

  constructor(@Inject(BUS) private readonly bus: MessageBus) {}

  /** Begins to listen for the end of a run; what is sent to the bus afterwards cannot end it unheard. Must be stopped. */
  listen(runId: string, tenantId: string): RunEnd {
    this.subscribe();
    const waiting: Waiting = {
      ...{ runId, tenantId, heard: new WakeUp(), run: null },
      next: this.places.get(runId) ?? nobody,
    };
    const place = this.waiting.add(waiting);
    this.places.set(runId, place);
    return {
      heard: waiting.heard,
      get run() {
        return waiting.run;
      },
      stop: () => this.leave(place, waiting),
    };
  }

  private subscribe(): void {
    clearTimeout(this.lingering);
    this.lingering = undefined;
    if (this.subscription !== undefined) return;
    const subscription = this.bus.subscribe(liveEndSubject('*'), (message) => this.hear(message));
    this.subscription = subscription;
    // Without hints the store is asked now and then; whoever comes next tries again.
    subscription.catch(() => {
      if (this.subscription === subscription) this.subscription = undefined;
    });
  }

  private hear({ subject, envelope: { tenantId, data } }: IncomingMessage): void {
    const first = this.places.get(runIn(subject));
    if (first === undefined) return;
    const hint = liveRunEnded.data.safeParse(data);
    if (!hint.success) return;
    const { run } = hint.data;
    for (let place = first; place !== nobody;) {
      const waiting = this.waiting.at(place);
      if (waiting === undefined) return;
      // Ids of runs are their callers' choice, so another tenant may have a run of the same id.
      if (waiting.tenantId === tenantId) {
        waiting.run = run;
        waiting.heard.ring();
      }
      place = waiting.next;
    }
  }

  private leave(place: number, waiting: Waiting): void {
    if (!this.waiting.remove(place, waiting)) return;
    this.unlink(place, waiting);
    if (this.waiting.size > 0) return;
    this.lingering = setTimeout(() => this.unsubscribe(), lingerMs).unref();
  }

  private unlink(place: number, { runId, next }: Waiting): void {
    const first = this.places.get(runId);
    if (first === place) {
      if (next === nobody) this.places.delete(runId);
      else this.places.set(runId, next);
      return;
    }
    for (let other = this.waiting.at(first ?? nobody); other !== undefined; other = this.waiting.at(other.next)) {
      if (other.next !== place) continue;
      other.next = next;
      return;
    }
  }

  private unsubscribe(): void {
    this.lingering = undefined;
    this.subscription?.then((subscription) => subscription.stop()).catch(() => undefined);
    this.subscription = undefined;
  }
}
