import { describe, expect, it } from '@jest/globals';
import { destinationOf } from './destination.js';

describe('a destination', () => {
  it.each([
    ['task.llm.v1', 'task.llm.v1'],
    ['evt.acme.run.completed.v1', 'evt.{tenant}.run.completed.v1'],
    ['dlq.evt.acme.run.completed.v1', 'dlq.evt.{tenant}.run.completed.v1'],
    ['dlq.task.llm.v1', 'dlq.task.llm.v1'],
    ['result.7.v1', 'result.{partition}.v1'],
    ['live.run_1.tokens', 'live.{run}.tokens'],
    ['cmd.orchestrator.partition-11.deliver.v1', 'cmd.orchestrator.partition-{partition}.deliver.v1'],
    ['cmd.orchestrator.run.start.v1', 'cmd.orchestrator.run.start.v1'],
  ])('%s is called %s', (subject, destination) => {
    expect(destinationOf(subject)).toBe(destination);
  });
});
