import { metricName } from '../../names.js';
import { counter, histogram } from '../instruments.js';
import { oneOf } from '../label-values.js';
import { durationBounds } from './sets.js';

const from = 'gateway';

export const webhookAttempts = counter({
  name: metricName.webhookAttempts,
  unit: '{attempt}',
  description: 'Attempts to deliver an event to a webhook; after `retry` comes another, after `parked` and `gone` none',
  labels: { 'millrace.outcome': oneOf('delivered', 'retry', 'parked', 'gone') },
  from,
});

export const webhookAttemptDuration = histogram(
  {
    name: metricName.webhookAttemptDuration,
    unit: 's',
    description: 'How long endpoints of webhooks took to answer, or not to',
    labels: {},
    from,
  },
  durationBounds,
);

export const webhooksDisabled = counter({
  name: metricName.webhooksDisabled,
  unit: '{webhook}',
  description: 'Webhooks that were disabled though their owner did not ask for it',
  labels: { 'millrace.reason': oneOf('failing', 'gone', 'backlog') },
  from,
});
