import { liveChatStop, liveStopSubject } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { MessageBus, Subscription } from '@millrace/messaging';
import { BUS } from '@millrace/service';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';

/** The calls that this process is making. It hears when nobody waits for one any more, and ends it down to the provider's socket. */
@Injectable()
export class OpenCalls implements OnModuleInit, OnApplicationShutdown {
  private readonly calls = new Map<string, AbortController>();
  private subscription: Subscription | undefined;

  constructor(@Inject(BUS) private readonly bus: MessageBus) {}

  async onModuleInit(): Promise<void> {
    this.subscription = await this.bus.subscribe(liveStopSubject('*'), ({ envelope }) => {
      const stop = liveChatStop.data.safeParse(envelope.data);
      if (stop.success) this.calls.get(nameOf(envelope.tenantId, stop.data.callId))?.abort(cancelled());
    });
  }

  async onApplicationShutdown(): Promise<void> {
    for (const call of this.calls.values()) call.abort(shuttingDown());
    await this.subscription?.stop();
  }

  /** Makes a call that can be ended from outside. @throws MillraceError `call_id_in_use`; what the work throws */
  async run<Result>(tenantId: string, callId: string, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const name = nameOf(tenantId, callId);
    if (this.calls.has(name)) throw new MillraceError('conflict', 'call_id_in_use', 'There is a call of this id.');
    const call = new AbortController();
    this.calls.set(name, call);
    try {
      return await work(call.signal);
    } finally {
      this.calls.delete(name);
    }
  }
}

/** Tenants' ids have no slash. */
const nameOf = (tenantId: string, callId: string): string => `${tenantId}/${callId}`;

const cancelled = (): MillraceError => new MillraceError('cancelled', 'call_cancelled', 'Nobody waits for the answer.');

const shuttingDown = (): MillraceError =>
  new MillraceError('unavailable', 'shutting_down', 'This process ends. Try again.', { retryAfterSeconds: 1 });
