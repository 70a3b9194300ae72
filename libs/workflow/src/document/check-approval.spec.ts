import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { graphOf, tool } from '../testing/test-run.js';
import { validateGraph } from './validate.js';

const sound = { title: 'Go?', assignees: ['role:admin'], deadline: '1d', onTimeout: 'reject' };

function violationsOf(fields: JsonObject, reader = ''): string[] {
  const nodes = [{ id: 'a', kind: 'approval', ...sound, ...fields }];
  const after = reader === '' ? [] : [tool('b', { needs: ['a'], when: reader })];
  const validation = validateGraph(graphOf([...nodes, ...after]));
  return 'graph' in validation ? [] : validation.violations.map(({ pointer, message }) => `${pointer}: ${message}`);
}

const form = { type: 'object', properties: { grade: { type: 'integer' } } };

describe('an approval', () => {
  it.each<[JsonObject, string]>([
    [{}, ''],
    [{ title: 'For ${{ input.who }}', with: { text: '${{ input.text }}' } }, ''],
    [{ assignees: ['key:key_1a', 'role:viewer', 'key:${{ input.who }}', '${{ input.who }}'] }, ''],
    [{ form, onTimeout: 'approve', onReject: 'continue' }, '${{ nodes.a.output.data.grade > 2 }}'],
    [{ deadline: '366d', onTimeout: 'fail' }, '${{ nodes.a.output.decision == "approved" }}'],
  ])('may be %j', (fields, reader) => {
    expect(violationsOf(fields, reader)).toEqual([]);
  });

  it.each<[JsonObject, string, string]>([
    [{ title: '' }, '', '/nodes/0/title: '],
    [{ title: '${{ 1 }}' }, '', '/nodes/0/title: This must yield a string'],
    [{ assignees: [] }, '', '/nodes/0/assignees: '],
    [{ assignees: ['boss'] }, '', '/nodes/0/assignees/0: must be role:viewer, role:editor, role:admin or key:'],
    [{ assignees: ['role:admin', 'role:boss'] }, '', '/nodes/0/assignees/1: must be role:viewer'],
    [{ form: { type: 'array' } }, '', '/nodes/0/form/type: '],
    [{ form: { type: 'object', required: ['x'] } }, '', "/nodes/0/form/required/0: There is no property 'x'."],
    [{ form: { type: 'object', pattern: '(a+)+$' } }, '', '/nodes/0/form/pattern: '],
    [{ deadline: '367d' }, '', '/nodes/0/deadline: This is longer than 366 days.'],
    [{ deadline: 'tomorrow' }, '', '/nodes/0/deadline: must be a number and a unit'],
    [{ onTimeout: 'shrug' }, '', '/nodes/0/onTimeout: '],
    [{ deadline: null }, '', '/nodes/0/deadline: '],
    [{ form }, '${{ nodes.a.output.data.grad > 2 }}', '/nodes/1/when: No such key: grad'],
  ])('is refused as %j %s', (fields, reader, expected) => {
    expect(violationsOf(fields, reader).join('\n')).toContain(expected);
  });

  it('must say when it ends, and how', () => {
    const validation = validateGraph(graphOf([{ id: 'a', kind: 'approval', title: 'Go?', assignees: ['role:admin'] }]));
    const pointers = 'violations' in validation ? validation.violations.map(({ pointer }) => pointer) : [];
    expect(pointers.sort()).toEqual(['/nodes/0/deadline', '/nodes/0/onTimeout']);
  });
});
