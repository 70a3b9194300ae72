import { type Environment, readConfiguration, variable, wholeNumber } from '@millrace/service';

export interface EvaluationConfig {
  /** How many articles are scored at once. */
  readonly slots: number;
}

export const readConfig = (environment: Environment): EvaluationConfig =>
  readConfiguration(environment, {
    slots: variable('MILLRACE_EVALUATION_SLOTS', wholeNumber({ min: 1, max: 256 }).default(4), '4'),
  });
