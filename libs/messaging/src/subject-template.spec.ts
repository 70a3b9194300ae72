import { describe, expect, it } from '@jest/globals';
import {
  deadLetterSubject,
  eventSubject,
  liveEventsSubject,
  llmTask,
  mailboxSubject,
  resultSubject,
  runCompletedEvent,
  startRun,
} from '@millrace/contracts';
import fc from 'fast-check';
import { subjectTemplate } from './subject-template.js';

describe('the template of a subject', () => {
  it.each([
    [eventSubject(runCompletedEvent, 'acme'), 'evt.*.run.completed.v1'],
    [eventSubject(runCompletedEvent, '*'), 'evt.*.run.completed.v1'],
    [liveEventsSubject('run_1'), 'live.*.events'],
    [resultSubject(13), 'result.*.v1'],
    [mailboxSubject(7), 'cmd.orchestrator.partition-*.deliver.v1'],
    [llmTask.subject, llmTask.subject],
    [startRun.subject, startRun.subject],
    [deadLetterSubject(eventSubject(runCompletedEvent, 'acme')), 'dlq.evt.*.run.completed.v1'],
    [deadLetterSubject('task.mine.v1'), 'dlq.task.>'],
    ['task.made-by-a-tenant.v1', 'task.>'],
    ['evt.acme.something.else.v1', 'evt.>'],
    ['evt', 'other'],
    ['_INBOX.abc', 'other'],
    ['dlq.dlq.x', 'dlq.dlq.other'],
  ])('of %s is %s', (subject, template) => {
    expect(subjectTemplate(subject)).toBe(template);
  });

  it('comes from a closed set, whatever the subject', () => {
    const templates = new Set<string>();
    const token = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);
    const kind = fc.constantFrom('cmd', 'task', 'result', 'evt', 'live', 'other');
    fc.assert(
      fc.property(kind, fc.array(token, { maxLength: 4 }), (first, rest) => {
        templates.add(subjectTemplate([first, ...rest].join('.')));
      }),
      { numRuns: 2_000 },
    );
    expect(
      [...templates].filter((template) => !/^(\w+\.>|other|result\.\*\.v1|live\.\*\.\w+)$/.test(template)),
    ).toEqual([]);
  });
});
