import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { digestOf } from '../document/digest.js';
import { completed, failed, graphOf, TestRun, tool } from '../testing/test-run.js';
import { replay, type Recording } from './replay.js';
import { stateHashOf } from './state-hash.js';

const map = {
  id: 'm',
  kind: 'map',
  over: '${{ nodes.a.output }}',
  nodes: [tool('x')],
  output: '${{ nodes.x.output }}',
};
const document = graphOf([
  tool('a'),
  { ...map, needs: ['a'] },
  { id: 'w', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } },
]);

function recorded(act: (run: TestRun) => void): Recording {
  const run = new TestRun(document);
  run.start({ topic: 'mills' });
  act(run);
  const events = run.events.map((event, index) => ({ position: index + 1, ...event }));
  const graph = { name: 'test', version: 1, digest: digestOf(document) };
  return {
    graph,
    document,
    events: JSON.parse(JSON.stringify(events)) as JsonObject[],
    stateHash: stateHashOf(run.state),
  };
}

const acts: ((run: TestRun) => void)[] = [
  () => undefined,
  (run) => {
    run.result('a', completed([1, 2]));
    run.result('m[1].x', completed(5));
  },
  (run) => {
    run.pause();
    run.signal('go', { paid: true });
    run.result('a', completed([]));
    run.resume();
  },
  (run) => {
    run.result('a', failed('x', false));
    run.retry();
    run.result('a', completed([7]));
  },
];

describe('a replay', () => {
  it.each(acts)('comes to the state that was recorded (%#)', (act) => {
    expect(replay(recorded(act))).toMatchObject({ same: true });
  });

  it('tells another state', () => {
    const recording = recorded((run) => void run.result('a', completed([1])));
    const hashes = acts.map((act) => replay(recorded(act)).stateHash);
    expect(new Set(hashes).size).toBe(acts.length);
    const events = recording.events.map((event) =>
      event['type'] === 'NodeCompleted' ? { ...event, data: { ...(event['data'] as JsonObject), output: [2] } } : event,
    );
    expect(replay({ ...recording, events })).toMatchObject({ same: false });
  });

  it('refuses what is no recording', () => {
    const recording = recorded((run) => void run.result('a', completed([1])));
    const [first, ...others] = recording.events;
    expect(() => replay({ ...recording, events: others })).toThrow(
      expect.objectContaining({
        code: 'invalid_recording',
        violations: [expect.objectContaining({ pointer: '/events/0' })],
      }),
    );
    expect(() => replay({ ...recording, events: [{ ...first, type: 'RunVanished' }] })).toThrow(
      expect.objectContaining({ code: 'invalid_recording' }),
    );
    expect(() => replay({ ...recording, document: graphOf([tool('b')]) })).toThrow(
      expect.objectContaining({ code: 'digest_mismatch' }),
    );
  });
});
