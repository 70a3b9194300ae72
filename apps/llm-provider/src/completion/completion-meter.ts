import type { Usage } from '@millrace/contracts';
import { toMillraceError } from '@millrace/kernel';
import {
  cacheRequests,
  modelCost,
  modelOperationDuration,
  modelTimeToFirstChunk,
  modelTokenUsage,
} from '@millrace/telemetry';

const recorded = cacheRequests.at({ 'millrace.cache': 'completions', 'millrace.result': 'hit' });

/** A task was answered from the ledger. */
export const answeredAgain = (): void => recorded.add(1);

const meters = new Map<string, CompletionMeter>();
/** Names are the choice of tenants: beyond so many, all others are measured as one. */
const mostMeters = 200;

/** What measures the completions of a model, by its name in results. */
export function meterOf(name: string): CompletionMeter {
  const key = meters.has(name) || meters.size < mostMeters ? name : 'other';
  const meter = meters.get(key) ?? new CompletionMeter(key);
  meters.set(key, meter);
  return meter;
}

/** What is measured of the completions of one model. */
class CompletionMeter {
  private readonly labels;
  private readonly firstChunk;
  private readonly input;
  private readonly output;
  private readonly cost;
  private readonly succeeded;
  private readonly asked = cacheRequests.at({ 'millrace.cache': 'completions', 'millrace.result': 'miss' });

  /** @param name as results name the model: `extractive`, `openai/gpt-5-mini` */
  constructor(name: string) {
    const separator = name.indexOf('/');
    const labels = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': separator === -1 ? name : name.slice(0, separator),
      'gen_ai.request.model': name.slice(separator + 1),
    } as const;
    this.labels = labels;
    this.firstChunk = modelTimeToFirstChunk.at(labels);
    this.input = modelTokenUsage.at({ ...labels, 'gen_ai.token.type': 'input' });
    this.output = modelTokenUsage.at({ ...labels, 'gen_ai.token.type': 'output' });
    this.cost = modelCost.at(labels);
    this.succeeded = modelOperationDuration.at({ ...labels, 'error.type': '' });
  }

  /** Measures a call of the model; `work` gets what tells it of each piece of text. */
  async measure<Result>(work: (onText: () => void) => Promise<Result>): Promise<Result> {
    this.asked.add(1);
    const beganAt = performance.now();
    const seconds = (): number => (performance.now() - beganAt) / 1000;
    let isFirst = true;
    const onText = (): void => {
      if (isFirst) this.firstChunk.record(seconds());
      isFirst = false;
    };
    try {
      const result = await work(onText);
      this.succeeded.record(seconds());
      return result;
    } catch (error) {
      modelOperationDuration.at({ ...this.labels, 'error.type': toMillraceError(error).kind }).record(seconds());
      throw error;
    }
  }

  used({ promptTokens, completionTokens, costUsd }: Usage): void {
    this.input.record(promptTokens);
    this.output.record(completionTokens);
    this.cost.add(costUsd);
  }
}
