import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { graphOf, tool } from '../testing/test-run.js';
import { validateGraph } from './validate.js';

function violationsOf(nodes: JsonValue[], rest: JsonObject = {}): string[] {
  const validation = validateGraph(graphOf(nodes, rest));
  return 'graph' in validation ? [] : validation.violations.map(({ pointer, message }) => `${pointer}: ${message}`);
}

const branch = (rest: JsonObject = {}): JsonObject => ({
  id: 'route',
  kind: 'branch',
  cases: [{ when: true, then: ['left'] }],
  default: ['right'],
  ...rest,
});
const left = tool('left', { needs: ['route'] });
const right = tool('right', { needs: ['route'] });
const approval = { id: 'ok', kind: 'approval', title: 'Go?', assignees: ['role:admin'], deadline: '1h' };

describe('targets', () => {
  it('may be nodes beside that wait for the choice', () => {
    const reader = tool('reader', { needs: ['route'], when: '${{ "left" in nodes.route.output.chosen }}' });
    expect(violationsOf([branch(), left, right, reader])).toEqual([]);
    expect(violationsOf([tool('a', { onError: { goto: 'b' } }), tool('b', { needs: ['a'] })])).toEqual([]);
    expect(violationsOf([{ ...approval, onTimeout: { goto: 'b' } }, tool('b', { needs: ['ok'] })])).toEqual([]);
  });

  it.each<[string, JsonValue[], string]>([
    ['a missing node', [branch(), left], "/nodes/0/default/0: There is no node 'right' beside this one."],
    ['a misspelt node', [branch({ default: ['rihgt'] }), left, right], "Did you mean 'right'?"],
    [
      'itself',
      [branch({ default: ['route'] }), left],
      "/nodes/0/default/0: The node 'route' must name 'route' in `needs`",
    ],
    ['what does not wait', [branch(), left, tool('right')], "/nodes/0/default/0: The node 'right' must name 'route'"],
    [
      'a node inside of another',
      [branch(), left, { id: 'm', kind: 'map', over: [1], nodes: [tool('right')] }],
      "/nodes/0/default/0: There is no node 'right' beside this one.",
    ],
    ['no case', [branch({ cases: [] }), left, right], '/nodes/0/cases: '],
    ['a case without nodes', [branch({ cases: [{ when: true, then: [] }] }), right], '/nodes/0/cases/0/then: '],
    ['a case without a condition', [branch({ cases: [{ then: ['left'] }] }), left, right], '/nodes/0/cases/0/when: '],
    [
      'a case of no boolean',
      [branch({ cases: [{ when: '${{ 1 }}', then: ['left'] }] }), left, right],
      '/nodes/0/cases/0/when: This must',
    ],
    ['a goto to nothing', [tool('a', { onError: { goto: 'b' } })], "/nodes/0/onError/goto: There is no node 'b'"],
    [
      'a goto to what does not wait',
      [tool('a', { onError: { goto: 'b' } }), tool('b')],
      '/nodes/0/onError/goto: The node',
    ],
    [
      'a goto of a deadline',
      [{ ...approval, onTimeout: { goto: 'b' } }, tool('b')],
      '/nodes/0/onTimeout/goto: The node',
    ],
    ['a word that is none', [tool('a', { onError: 'shrug' })], '/nodes/0/onError: '],
  ])('that are %s are refused', (_name, nodes, expected) => {
    expect(violationsOf(nodes).join('\n')).toContain(expected);
  });
});

describe('times', () => {
  const long = '999999999h';
  it.each<[string, JsonValue[], JsonObject]>([
    ['/timeout', [tool('a')], { timeout: long }],
    ['/nodes/0/timeout/total', [tool('a', { timeout: { total: '367d' } })], {}],
    ['/nodes/0/retry/backoff/initial', [tool('a', { retry: { backoff: { initial: long } } })], {}],
    [
      '/nodes/0/nodes/0/retry/backoff/max',
      [{ id: 'm', kind: 'map', over: [1], nodes: [tool('a', { retry: { backoff: { max: long } } })] }],
      {},
    ],
    ['/nodes/0/timeout/total', [{ id: 'w', kind: 'wait', signal: { name: 'go' }, timeout: { total: long } }], {}],
  ])('at %s may not be longer than a year', (pointer, nodes, rest) => {
    expect(violationsOf(nodes, rest)).toContain(`${pointer}: This is longer than 366 days.`);
  });
});
