import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { violationsIn } from './check.js';
import type { Evidence, ObservedEvent, ObservedRun, StartAttempt, Violation } from './evidence.js';
import { forgedMarker, idOf, soundEvidence } from './evidence.fixture.js';

/** Changes the first run; the others stay sound. */
const inFirstRun = (evidence: Evidence, change: (run: ObservedRun) => Partial<ObservedRun>): Evidence => ({
  ...evidence,
  runs: evidence.runs.map((run, index) => (index === 0 ? { ...run, ...change(run) } : run)),
});
const inHistory = (evidence: Evidence, change: (events: readonly ObservedEvent[]) => ObservedEvent[]): Evidence =>
  inFirstRun(evidence, ({ events }) => ({ events: change(events) }));
const numbered = (events: readonly ObservedEvent[]): ObservedEvent[] =>
  events.map((event, index) => ({ ...event, position: index + 1 }));
const first = idOf(0);
const accepted: StartAttempt = { status: 202, code: null, runId: first, retryAfter: null, body: 0 };
const withStart = (evidence: Evidence, attempts: readonly StartAttempt[]): Evidence => ({
  ...evidence,
  starts: [...evidence.starts, { graph: 'diamond', idempotencyKey: 'broken', attempts }],
});
const streamOf = (evidence: Evidence, positions: readonly number[]) => ({
  runId: first,
  connections: 3,
  positions,
  tokens: ['1'],
  ended: positions.length === evidence.runs[0]?.events.length,
});
const withStream = (evidence: Evidence, change: (all: number[]) => number[]): Evidence => {
  const positions = (evidence.runs[0]?.events ?? []).map(({ position }) => position);
  return { ...evidence, streams: [streamOf(evidence, change(positions))] };
};

/** Each breaks one invariant in any evidence. */
const breaks: readonly [what: string, invariant: Violation['invariant'], breaking: (sound: Evidence) => Evidence][] = [
  ['an accepted run is unknown', 'I1', (sound) => inFirstRun(sound, () => ({ status: 'unknown', events: [] }))],
  ['an accepted run is missing', 'I1', (sound) => ({ ...sound, runs: sound.runs.slice(1) })],
  ['a run goes on for ever', 'I1', (sound) => inFirstRun(sound, () => ({ status: 'running' }))],
  ['a run has no terminal event', 'I1', (sound) => inHistory(sound, (events) => events.slice(0, -1))],
  [
    'a run ends twice',
    'I1',
    (sound) => inHistory(sound, (events) => numbered([...events, { ...events.at(-1)!, type: 'RunFailed' }])),
  ],
  [
    'something follows the end',
    'I1',
    (sound) =>
      inHistory(sound, (events) => numbered([...events, { ...events[0]!, type: 'NodeSkipped', data: { node: 'z' } }])),
  ],
  [
    'the status is another than the events say',
    'I1',
    (sound) => inFirstRun(sound, ({ status }) => ({ status: status === 'failed' ? 'completed' : 'failed' })),
  ],
  ['a position is missing', 'I2', (sound) => inHistory(sound, ([one, , ...rest]) => [one!, ...rest])],
  ['a position comes twice', 'I2', (sound) => inHistory(sound, ([one, ...rest]) => [one!, one!, ...rest])],
  ['a run does not begin with its start', 'I2', (sound) => inHistory(sound, (events) => numbered(events.slice(1)))],
  [
    'a node completes twice',
    'I2',
    (sound) =>
      inHistory(sound, (events) => {
        const completed = events.find(({ type }) => type === 'NodeCompleted')!;
        return numbered([...events.slice(0, -1), completed, events.at(-1)!]);
      }),
  ],
  [
    'an attempt is scheduled twice',
    'I2',
    (sound) => inHistory(sound, ([start, scheduled, ...rest]) => numbered([start!, scheduled!, scheduled!, ...rest])),
  ],
  [
    'a node commits two effects',
    'I3',
    (sound) => {
      const effect = { run: first, node: 'node-0' };
      const two = ['a', 'b'].map((key) => ({ ...effect, key, receipt: key }));
      return { ...sound, effects: { ...sound.effects, commits: [...sound.effects.commits, ...two] } };
    },
  ],
  [
    'a run that is not stored has an effect',
    'I3',
    (sound) => {
      const attempt = { key: 'k', run: idOf(999), outcome: 'committed' as const };
      return { ...sound, effects: { ...sound.effects, attempts: [...sound.effects.attempts, attempt] } };
    },
  ],
  [
    'an output holds a receipt that nobody gave',
    'I3',
    (sound) =>
      inHistory(sound, (events) =>
        events.map((event) =>
          event.type === 'NodeCompleted' ? { ...event, data: { output: { result: { receipt: 'made up' } } } } : event,
        ),
      ),
  ],
  [
    'a subscriber applied an event twice',
    'I3',
    (sound) => ({
      ...sound,
      applications: [...sound.applications, { messageId: 'm', runId: first, type: 'run.emitted', times: 2 }],
    }),
  ],
  [
    'the model was called after its completion was recorded',
    'I3',
    (sound) => ({
      ...sound,
      providerCalls: [...sound.providerCalls, { run: first, node: 'steady', at: 20_000 }],
      completions: [...sound.completions, { run: first, node: 'steady', attempt: 1, at: 10_000 }],
    }),
  ],
  [
    'a forged output is in a run',
    'I4',
    (sound) =>
      inHistory(sound, (events) =>
        events.map((event) => (event.position === 1 ? { ...event, data: { input: forgedMarker } } : event)),
      ),
  ],
  ['a forged result was applied', 'I4', (sound) => ({ ...sound, forgedReplies: [{ runId: first, applied: true }] })],
  ['one key gives two runs', 'I5', (sound) => withStart(sound, [accepted, { ...accepted, runId: idOf(998) }])],
  ['two keys give one run', 'I5', (sound) => withStart(sound, [accepted])],
  [
    'another body is taken for a key',
    'I5',
    (sound) =>
      withStart(sound, [
        { ...accepted, runId: idOf(997) },
        { ...accepted, runId: idOf(997), body: 1 },
      ]),
  ],
  ['a stream has a gap', 'I6', (sound) => withStream(sound, ([one, , ...rest]) => [one!, ...rest])],
  ['a stream repeats itself', 'I6', (sound) => withStream(sound, ([one, ...rest]) => [one!, one!, ...rest])],
  ['a stream never ends', 'I6', (sound) => withStream(sound, (all) => all.slice(0, -1))],
  [
    'a stream gives a token twice',
    'I6',
    (sound) => ({
      ...withStream(sound, (all) => all),
      streams: [{ ...withStream(sound, (all) => all).streams[0]!, tokens: ['7', '7'] }],
    }),
  ],
  [
    'a caller is turned away without Retry-After',
    'I7',
    (sound) => withStart(sound, [{ status: 503, code: 'x', runId: null, retryAfter: null, body: 0 }]),
  ],
  [
    'a drain takes too long',
    'I8',
    (sound) => ({ ...sound, drains: [{ service: 'toolbox-0', exitCode: 0, tookMs: 20_000, graceMs: 6_000 }] }),
  ],
  [
    'a drain ends with an error',
    'I8',
    (sound) => ({ ...sound, drains: [{ service: 'toolbox-0', exitCode: 1, tookMs: 100, graceMs: 6_000 }] }),
  ],
  [
    'a cancelled run completes',
    'I9',
    (sound) => ({
      ...inFirstRun(sound, () => ({ status: 'completed' })),
      cancels: [{ runId: first, answered: 'cancelled' }],
    }),
  ],
  [
    'an end is never announced',
    'announcements',
    (sound) => ({
      ...sound,
      transportWiped: false,
      applications: sound.applications.filter(({ runId }) => runId !== first),
    }),
  ],
];

describe('violationsIn', () => {
  it('finds nothing where nothing is broken', () => {
    fc.assert(fc.property(soundEvidence, (evidence) => expect(violationsIn(evidence)).toEqual([])));
  });

  it.each(breaks)('finds that %s (%s)', (_what, invariant, breaking) => {
    fc.assert(
      fc.property(soundEvidence, (sound) => {
        expect(violationsIn(breaking(sound)).map((violation) => violation.invariant)).toContain(invariant);
      }),
    );
  });

  it('does not judge a call to the model that a pause has kept back', () => {
    fc.assert(
      fc.property(soundEvidence, (sound) => {
        const late = {
          ...sound,
          providerCalls: [{ run: first, node: 'steady', at: 20_000 }],
          completions: [{ run: first, node: 'steady', attempt: 1, at: 10_000 }],
        };
        expect(violationsIn(late)).toHaveLength(1);
        expect(violationsIn({ ...late, llmOverlaps: [{ from: 9_000, to: 21_000 }] })).toEqual([]);
      }),
    );
  });

  it('lets announcements go that a wiped transport has lost', () => {
    fc.assert(
      fc.property(soundEvidence, (sound) => {
        expect(violationsIn({ ...sound, transportWiped: true, applications: [] })).toEqual([]);
      }),
    );
  });
});
