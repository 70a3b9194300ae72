import { CONFIG, LOGGER } from '@millrace/service';
import { type Logger, modelTargetState } from '@millrace/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { PriceBook } from '../ledger/price-book.js';
import type { ProviderModel, ProviderModelOptions } from '../providers/provider-model.js';
import type { Timeouts } from '../providers/stream-answer.js';
import type { Route, RouteTarget } from './route.js';
import { Target, targetConditions } from './target.js';
import { TargetLimits } from './target-limits.js';
import { TargetProbe } from './target-probe.js';
import { TargetSlots } from './target-slots.js';

export interface TargetPlace {
  readonly route: Route;
  /** Whose route it is; null for those of the installation. */
  readonly tenantId: string | null;
  /** Where its provider is. */
  readonly baseUrl: string;
}

/** Beyond the time of a call, for giving its slot back. */
const marginMs = 5_000;

/** Makes targets of routes out of models. */
@Injectable()
export class TargetOpener {
  constructor(
    @Inject(TargetLimits) private readonly limits: TargetLimits,
    @Inject(TargetSlots) private readonly slots: TargetSlots,
    @Inject(PriceBook) private readonly prices: PriceBook,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** What a model of a target is to be opened with. */
  modelOptions(target: RouteTarget): Partial<ProviderModelOptions> {
    // The route itself asks again, and another target first.
    return { concurrency: target.limits.concurrency, attempts: 1, timeouts: this.timeoutsOf(target) };
  }

  open(target: RouteTarget, model: ProviderModel, { route, tenantId, baseUrl }: TargetPlace): Target {
    // What is in this process has no address, and is there.
    const probe =
      baseUrl !== '' &&
      route.probe &&
      new TargetProbe(route.probe, (signal) => statusOf(`${baseUrl.replace(/\/+$/, '')}/models`, signal));
    const opened = new Target(model, {
      target,
      // Tenants' limits are their own, whatever they call their models.
      key: tenantId === null ? target.model : `${tenantId}:${target.model}`,
      limits: this.limits,
      slots: this.slots,
      ...(probe && { probe }),
      rates: () => this.prices.known(tenantId, target.model),
      longestCallMs: this.timeoutsOf(target).totalMs + marginMs,
      onUnreleased: (error) => this.logger.warn({ err: error }, 'could not give back a slot of a target'),
    });
    // Those of tenants come and go, and are none of the operator's business.
    if (tenantId === null) measure(route.name, opened);
    return opened;
  }

  private timeoutsOf({ timeout: { first, idle, total } }: RouteTarget): Timeouts {
    const { timeouts } = this.config.limits;
    return {
      firstTokenMs: first ?? timeouts.firstTokenMs,
      idleMs: idle ?? timeouts.idleMs,
      totalMs: total ?? timeouts.totalMs,
    };
  }
}

function measure(route: string, target: Target): void {
  modelTargetState.observe(() => {
    const condition = target.condition();
    return targetConditions.map((state) => ({
      labels: { 'millrace.route': route, 'gen_ai.request.model': target.name, 'millrace.state': state },
      value: state === condition ? 1 : 0,
    }));
  });
}

/** Any answer says that somebody is there, also that a key is needed. No key is sent, and no redirect is followed. */
async function statusOf(address: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(address, { signal, redirect: 'manual' });
  await response.body?.cancel();
  return response.status;
}
