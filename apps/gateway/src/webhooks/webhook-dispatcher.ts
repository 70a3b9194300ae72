/**
 * Sends what is due.
 *
 * 1. An attempt is made by the replica that has claimed it; one that dies leaves it to whoever claims it after the lease.
 * 2. What is delivered stays delivered, also where a slower attempt fails after it.
 * 3. One endpoint takes up a few slots at most, so that a slow one holds up itself alone.
 * 4. Nothing is sent after the process was told to end; what is under way ends in time or is handed back.
 */
import type { Clock } from '@millrace/kernel';
import { WebGuard } from '@millrace/resilience';
import { CLOCK, CONFIG, LOGGER } from '@millrace/service';
import { type Logger, webhookAttempts, webhookAttemptDuration, webhooksDisabled } from '@millrace/telemetry';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { GatewayConfig } from '../config.js';
import { afterAttempt, type AttemptOutcome } from './after-attempt.js';
import { type ClaimedDelivery, DispatchStore } from './dispatch.store.js';
import { Rounds } from './rounds.js';
import { sendDelivery } from './send-delivery.js';
import { WebhookSecrets } from './webhook-secrets.js';

const pollMs = 1_000;
/** Of one webhook, in this process. */
const mostOfOne = 4;
/** How long a shutdown waits for what is under way. */
const patienceMs = 3_000;
const pruneEveryMs = 3_600_000;

@Injectable()
export class WebhookDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly rounds: Rounds;
  private readonly guard: WebGuard;
  private readonly underWay = new Map<Promise<void>, string>();
  private readonly ending = new AbortController();
  private isNeeded = false;
  private prunedAt = 0;
  /** There from the beginning, with zero: an alert sees the first one only as an increase. */
  private readonly disabled = {
    gone: webhooksDisabled.at({ 'millrace.reason': 'gone' }),
    failing: webhooksDisabled.at({ 'millrace.reason': 'failing' }),
    backlog: webhooksDisabled.at({ 'millrace.reason': 'backlog' }),
  };

  constructor(
    @Inject(DispatchStore) private readonly store: DispatchStore,
    @Inject(WebhookSecrets) private readonly secrets: WebhookSecrets,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.guard = new WebGuard({ allow: config.webhookHosts });
    const onFailure = (err: unknown): void => this.logger.warn({ err }, 'webhooks could not be looked after');
    this.rounds = new Rounds(() => this.round(), { pauseMs: pollMs, onFailure });
  }

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  /** Whether anybody has a webhook: while nobody has, nothing is asked of the database. */
  need(isNeeded: boolean): void {
    this.isNeeded = isNeeded;
  }

  /** There is something to send. */
  wake(): void {
    this.isNeeded = true;
    this.rounds.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    const timer = setTimeout(() => this.ending.abort(new Error('the process ends')), patienceMs);
    await Promise.all(this.underWay.keys());
    clearTimeout(timer);
  }

  private async round(): Promise<boolean> {
    if (!this.isNeeded) return false;
    await this.pruneNowAndThen();
    const most = this.config.webhookSlots - this.underWay.size;
    if (most <= 0) return false;
    const claimed = await this.store.claim({
      most,
      mostOfOne: Math.min(mostOfOne, this.config.webhookSlots),
      leaseMs: this.config.webhookTimeoutMs * 2,
      busy: this.busyWebhooks(),
    });
    for (const delivery of claimed) this.begin(delivery);
    return claimed.length === most;
  }

  private busyWebhooks(): string[] {
    const counts = new Map<string, number>();
    for (const webhookId of this.underWay.values()) counts.set(webhookId, (counts.get(webhookId) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= mostOfOne).map(([webhookId]) => webhookId);
  }

  private begin(delivery: ClaimedDelivery): void {
    const work = this.attempt(delivery)
      .catch((err: unknown) => this.logger.warn({ err, deliveryId: delivery.id }, 'a delivery was left to its lease'))
      .finally(() => {
        this.underWay.delete(work);
        // A slot is free, and more may be due for it.
        this.rounds.wake();
      });
    this.underWay.set(work, delivery.webhookId);
  }

  private async attempt(delivery: ClaimedDelivery): Promise<void> {
    const { tenantId, webhookId, id, url, body, traceparent } = delivery;
    const begun = performance.now();
    let outcome: AttemptOutcome;
    try {
      const secrets = delivery.secrets.map((sealed) => this.secrets.open(tenantId, webhookId, sealed));
      const { guard, clock, ending } = this;
      const options = { guard, timeoutMs: this.config.webhookTimeoutMs, now: clock.now(), signal: ending.signal };
      outcome = await sendDelivery({ id, url, body, traceparent, secrets }, options);
    } catch (error) {
      if (!this.ending.signal.aborted) throw error;
      return await this.store.handBack(delivery);
    }
    webhookAttemptDuration.at({}).record((performance.now() - begun) / 1000);
    await this.settle(delivery, outcome);
  }

  private async settle(delivery: ClaimedDelivery, outcome: AttemptOutcome): Promise<void> {
    const { webhookAttempts: attempts, webhookRetryMs, webhookLongestRetryMs, webhookDisableAfterMs } = this.config;
    const policy = { attempts, initialDelayMs: webhookRetryMs, maxDelayMs: webhookLongestRetryMs };
    const next = afterAttempt(delivery, outcome, policy);
    webhookAttempts.at({ 'millrace.outcome': next.kind }).add(1);
    if (next.kind === 'delivered') return await this.store.delivered(delivery, outcome.status);
    const failure = { status: outcome.status, code: outcome.error?.code ?? 'internal_error' };
    const failingMs = await this.store.failed(delivery, failure, next.kind === 'retry' ? next.delayMs : null);
    if (next.kind === 'gone') await this.disable(delivery, 'gone');
    else if (failingMs >= webhookDisableAfterMs) await this.disable(delivery, 'failing');
  }

  /** For good, until its owner enables it again. */
  async disable(
    { tenantId, webhookId }: Pick<ClaimedDelivery, 'tenantId' | 'webhookId'>,
    reason: 'gone' | 'failing' | 'backlog',
  ): Promise<void> {
    if (!(await this.store.disable(tenantId, webhookId, reason))) return;
    this.disabled[reason].add(1);
    this.logger.warn({ tenantId, webhookId, reason }, 'a webhook was disabled');
  }

  private async pruneNowAndThen(): Promise<void> {
    if (Date.now() - this.prunedAt < pruneEveryMs) return;
    while (await this.store.prune(this.config.webhookKeepDays));
    this.prunedAt = Date.now();
  }
}
