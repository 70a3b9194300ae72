import { metricName } from '../../names.js';
import { counter, gauge, histogram } from '../instruments.js';
import { oneOf } from '../label-values.js';
import { errorKinds, longDurationBounds, taskKinds } from './sets.js';

const from = 'workers: research, llm-provider, evaluation, toolbox, custom ones';
const kind = { 'millrace.task.kind': taskKinds };

export const taskDuration = histogram(
  {
    name: metricName.taskDuration,
    unit: 's',
    description: 'How long a worker worked on a task, without the sending of its result',
    labels: {
      ...kind,
      'millrace.outcome': oneOf('completed', 'failed', 'cancelled', 'handed-back'),
      'error.type': errorKinds,
    },
    from,
  },
  longDurationBounds,
);

export const tasksActive = gauge({
  name: metricName.tasksActive,
  unit: '{task}',
  description: 'Tasks that are in the slots of this worker now',
  labels: kind,
  from,
});

export const taskSlots = gauge({
  name: metricName.taskSlots,
  unit: '{task}',
  description: 'How many tasks this worker takes at once',
  labels: kind,
  from,
});

export const taskResultRepeats = counter({
  name: metricName.taskResultRepeats,
  unit: '{attempt}',
  description: 'Results that were sent again because nobody took them',
  labels: kind,
  from,
});
