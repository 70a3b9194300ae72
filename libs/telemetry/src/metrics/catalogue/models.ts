import { metricAttribute as attribute, metricName } from '../../names.js';
import { counter, gauge, histogram } from '../instruments.js';
import { oneOf, upTo } from '../label-values.js';
import { errorKinds } from './sets.js';

const model = {
  [attribute.modelOperation]: oneOf('chat', 'embeddings'),
  [attribute.modelProvider]: upTo(20, 'the adapters of models'),
  [attribute.model]: upTo(50, 'the models that the operator configured'),
};
const from = 'llm-provider';
/** Seconds, as the semantic conventions advise. */
const modelDurationBounds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const firstChunkBounds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30];
const tokenBounds = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

export const modelOperationDuration = histogram(
  {
    name: metricName.modelOperationDuration,
    unit: 's',
    description: 'How long a completion took, with its repeats',
    labels: { ...model, [attribute.errorType]: errorKinds },
    from,
  },
  modelDurationBounds,
);

export const modelTimeToFirstChunk = histogram(
  {
    name: metricName.modelTimeToFirstChunk,
    unit: 's',
    description: 'From the request to the first text of the answer',
    labels: model,
    from,
  },
  firstChunkBounds,
);

export const modelTokenUsage = histogram(
  {
    name: metricName.modelTokenUsage,
    unit: '{token}',
    description: 'Tokens of a completion, as the provider reported them or else as they were counted',
    labels: { ...model, [attribute.tokenType]: oneOf('input', 'output') },
    from,
  },
  tokenBounds,
);

export const modelCost = counter({
  name: metricName.modelCost,
  unit: 'USD',
  description: 'What completions cost by the configured prices',
  labels: model,
  from,
});

export const modelTargetState = gauge({
  name: metricName.modelTargetState,
  unit: '1',
  description:
    'Whether a target of a route of the installation is asked, and why not: 1 for the state that it is in, 0 for the others',
  labels: {
    'millrace.route': upTo(100, 'the configured routes'),
    'gen_ai.request.model': upTo(200, 'the configured targets'),
    'millrace.state': oneOf('available', 'busy', 'open', 'left-alone', 'down'),
  },
  from,
});
