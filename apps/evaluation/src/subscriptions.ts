import { evaluateTask } from '@millrace/contracts';
import { defineSubscriptions } from '@millrace/service';
import type { EvaluationConfig } from './config.js';
import { EvaluateHandler } from './evaluate/evaluate.handler.js';

/** The whole inbox of the evaluation service. */
export const subscriptions = defineSubscriptions([
  { contract: evaluateTask, handler: EvaluateHandler, slots: (config: EvaluationConfig) => config.slots },
]);
