/**
 * Pulls from one durable consumer, and never asks for more than there are free slots. (The client's own `consume()` asks
 * again when messages arrive, not when they are done, so that one replica hoards what another could work on.)
 *
 * 1. `outstanding` is what the server may still send for the requests made on the current inbox.
 * 2. `outstanding` plus what is held never exceeds the slots. Whenever it is unknown (reconnect, silence, deleted consumer)
 *    a new inbox makes the old requests void, and counting begins anew.
 * 3. A consumer that is gone shows in `problem`, and is declared again until it is there.
 * 4. Nothing is said about deliveries of a consumer that was made anew since, nor asked of one that nobody has looked at.
 */
import { createInbox, type Msg, type Subscription } from '@nats-io/nats-core';
import type { DeclaredConsumer } from '../bus.js';
import type { ReportProblem } from '../problem.js';
import type { DeclaredPull, Pull, PullOptions } from '../transport.js';
import { encodeJson } from '../wire/envelope.js';
import type { Connection } from './connection.js';
import { heldMessageOf } from './held-message.js';
import { SettlementWords } from './settlement-words.js';
import { nextSubject } from './streams.js';

export interface PullPlatform {
  readonly connection: Connection;
  readonly report: ReportProblem;
  /** Sees to it that the consumer is there, also after somebody wiped the server. */
  readonly declareConsumer: (declared: DeclaredPull) => Promise<DeclaredConsumer>;
  readonly watchIntervalMs: number;
}

const requestLifeMs = 30_000;
const heartbeatMs = 5_000;
const silenceMs = 2.5 * heartbeatMs;
const retryMs = 1_000;
const nanosPerMs = 1_000_000;
const pendingHeader = 'Nats-Pending-Messages';

export class PullConsumer implements Pull {
  /** Why no messages come, if so. */
  problem: string | undefined;
  private inbox = '';
  private subscription: Subscription | undefined;
  private outstanding = 0;
  private stopped = false;
  private waking: NodeJS.Immediate | undefined;
  private checking: Promise<void> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private silence: NodeJS.Timeout | undefined;
  private readonly watch: NodeJS.Timeout;
  private readonly words: SettlementWords;
  private readonly stopListening: (() => void)[];

  private constructor(
    private readonly platform: PullPlatform,
    private readonly options: PullOptions,
    madeAt: string,
    private readonly onStopped: (pull: PullConsumer) => void,
  ) {
    this.words = new SettlementWords(madeAt);
    this.watch = setInterval(() => void this.check(), platform.watchIntervalMs);
    this.watch.unref();
    const { connection } = platform;
    this.stopListening = [
      connection.onDisconnect(() => this.words.doubt()),
      connection.onReconnect(() => void this.check(true)),
    ];
  }

  /** @throws MillraceError `consumer_conflict` */
  static async start(
    platform: PullPlatform,
    options: PullOptions,
    onStopped: (pull: PullConsumer) => void,
  ): Promise<PullConsumer> {
    const { madeAt } = await platform.declareConsumer(options);
    const pull = new PullConsumer(platform, options, madeAt, onStopped);
    pull.beginAnew();
    return pull;
  }

  /** Asks once for all slots that become free in this turn. */
  wake(): void {
    this.waking ??= setImmediate(() => {
      this.waking = undefined;
      this.request();
    });
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.watch);
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    clearImmediate(this.waking);
    for (const stop of this.stopListening) stop();
    this.onStopped(this);
    const { subscription } = this;
    if (subscription === undefined || subscription.isClosed() || !this.platform.connection.isConnected) return;
    this.platform.connection.flush();
    await subscription.drain().catch(() => undefined);
  }

  private request(): void {
    if (this.stopped || this.problem !== undefined || !this.platform.connection.isConnected) return;
    if (!this.words.areSure) return;
    const free = this.options.demand() - this.outstanding;
    // A few slots may wait for company: what is outstanding would have come by now if there were more to do.
    const worthwhile = this.outstanding === 0 ? 1 : Math.ceil(this.options.slots / 4);
    if (free < worthwhile) return;
    const request = {
      batch: free,
      expires: requestLifeMs * nanosPerMs,
      idle_heartbeat: heartbeatMs * nanosPerMs,
    };
    const subject = nextSubject(this.options);
    this.outstanding += free;
    this.platform.connection.publish({ subject, payload: encodeJson(request), reply: this.inbox });
    this.listenForSilence();
  }

  private beginAnew(): void {
    if (this.stopped) return;
    const { nats, inboxPrefix } = this.platform.connection;
    if (nats.isClosed()) return;
    this.subscription?.unsubscribe();
    this.inbox = createInbox(inboxPrefix);
    this.outstanding = 0;
    const { inbox } = this;
    this.subscription = nats.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) this.fail('refused', error);
        else if (message.subject === inbox) this.onStatus(message);
        else this.onMessage(message);
      },
    });
    this.request();
  }

  private onMessage(message: Msg): void {
    this.outstanding = Math.max(0, this.outstanding - 1);
    this.silence?.refresh();
    const about = this.words.ofDelivery();
    this.options.onMessage(heldMessageOf(message, (subject, payload) => about(() => this.say(subject, payload))));
    if (this.outstanding === 0) this.wake();
  }

  /** The server's word on the requests themselves. */
  private onStatus({ headers }: Msg): void {
    const code = headers?.code ?? 0;
    this.silence?.refresh();
    if (code === 100) return;
    const left = Number(headers?.get(pendingHeader));
    if (code === 408 && headers?.has(pendingHeader) === true && Number.isSafeInteger(left)) {
      this.outstanding = Math.max(0, this.outstanding - left);
      this.wake();
      return;
    }
    // Deleted, moved to another server, too many requests: nothing is known of what is outstanding.
    void this.check(true);
  }

  private say(subject: string, payload: Uint8Array): void {
    const onRefused = (cause: unknown): void => {
      const message = 'The message will be delivered again.';
      this.platform.report({ code: 'settlement_not_sent', message, subject: this.options.subject, cause });
    };
    this.platform.connection.publish({ subject, payload, onRefused });
  }

  private listenForSilence(): void {
    if (this.silence !== undefined) {
      this.silence.refresh();
      return;
    }
    this.silence = setTimeout(() => {
      this.silence = undefined;
      if (this.outstanding > 0) void this.check(true);
    }, silenceMs);
    this.silence.unref();
  }

  /** Sees to it that the consumer is there. One check at a time. */
  private check(counting = false): Promise<void> {
    if (this.stopped || !this.platform.connection.isConnected) return Promise.resolve();
    this.checking ??= this.checkOnce(counting).finally(() => (this.checking = undefined));
    return this.checking;
  }

  private async checkOnce(counting: boolean): Promise<void> {
    try {
      const seen = this.words.look();
      const { created, madeAt } = await this.platform.declareConsumer(this.options);
      seen(madeAt);
      if (this.stopped) return;
      const wasGone = this.problem !== undefined;
      this.problem = undefined;
      if (created) this.recovered();
      if (created || wasGone || counting) this.beginAnew();
      else this.wake();
    } catch (error) {
      this.fail('gone', error);
    }
  }

  private recovered(): void {
    const message = `The consumer "${this.options.durableName}" had gone and is there again.`;
    this.platform.report({ code: 'consumer_recreated', message, subject: this.options.subject });
  }

  private fail(how: 'gone' | 'refused', cause: unknown): void {
    if (this.stopped) return;
    const { durableName, stream, subject } = this.options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the consumer "${durableName}" of ${stream.name} is ${how}: ${reason}`;
    if (this.problem === undefined) this.platform.report({ code: 'consumer_gone', message, subject, cause });
    this.problem = message;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.check(), retryMs);
    this.retry.unref();
  }
}
