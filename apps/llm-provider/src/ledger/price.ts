import type { Usage } from '@millrace/contracts';
import type { TokenUsage } from '../completion/completion-model.js';

/** US dollars for a million tokens. */
export interface Price {
  readonly promptUsdPerMillion: number;
  readonly completionUsdPerMillion: number;
}

const million = 1_000_000;

/** Token counts with what they cost, to the billionth of a dollar. */
export function priced({ promptTokens, completionTokens }: TokenUsage, price: Price): Usage {
  const usd = (promptTokens * price.promptUsdPerMillion + completionTokens * price.completionUsdPerMillion) / million;
  return { promptTokens, completionTokens, costUsd: Math.round(usd * 1e9) / 1e9 };
}
