import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { graphOf } from '../testing/test-run.js';
import { validateGraph } from './validate.js';

function violationsOf(fields: JsonObject): string[] {
  const input = { type: 'object', properties: { text: { type: 'string' }, number: { type: 'number' } } };
  const validation = validateGraph(graphOf([{ id: 'w', kind: 'wait', ...fields }], { input }));
  return 'graph' in validation ? [] : validation.violations.map(({ pointer, message }) => `${pointer}: ${message}`);
}

const timeout = { total: '1h' };

describe('a wait', () => {
  it.each<JsonObject>([
    { for: '30s' },
    { for: '366d' },
    { for: '${{ input.text }}' },
    { for: '${{ string(input.number) }}m' },
    { until: '2030-01-31T09:00:00Z' },
    { until: '2030-01-31T09:00:00.5+01:00' },
    { until: '${{ input.text }}' },
    { signal: { name: 'paid' }, timeout },
    { signal: { name: 'paid', filter: '${{ signal.data.amount > 3 && signal.name == "paid" }}' }, timeout },
  ])('may be %j', (fields) => {
    expect(violationsOf(fields)).toEqual([]);
  });

  it.each<[JsonObject, string]>([
    [{}, '/nodes/0: A wait has exactly one of `for`, `until`, `signal` and `event`.'],
    [{ for: '1s', until: '2030-01-31T09:00:00Z' }, '/nodes/0: A wait has exactly one of'],
    [{ for: 'soon' }, '/nodes/0/for: must be a number and a unit'],
    [{ for: '367d' }, '/nodes/0/for: A wait takes at most 366 days.'],
    [{ for: '999999999h' }, '/nodes/0/for: A wait takes at most 366 days.'],
    [{ for: '${{ input.number }}' }, '/nodes/0/for: This must yield a string, but it yields a number.'],
    [{ for: 5 }, '/nodes/0/for: '],
    [{ until: 'tomorrow' }, '/nodes/0/until: must be a date and time with its zone'],
    [{ until: '2030-02-31T09:00:00Z' }, '/nodes/0/until: must be a date and time with its zone'],
    [{ until: '2030-01-31T09:00:00' }, '/nodes/0/until: must be a date and time with its zone'],
    [{ until: '${{ input.txt }}' }, '/nodes/0/until: No such key: txt'],
    [{ for: '1s', timeout }, '/nodes/0/timeout: Only a wait for a signal or an event has a timeout.'],
    [{ signal: { name: 'paid' } }, '/nodes/0/timeout: A wait for a signal needs `timeout: {total}`'],
    [{ signal: { name: 'Paid!' }, timeout }, '/nodes/0/signal/name: must be'],
    [{ signal: { name: 'paid', filter: '${{ 1 }}' }, timeout }, '/nodes/0/signal/filter: This must yield a boolean'],
    [{ signal: { name: 'paid', filter: '${{ signal.dat }}' }, timeout }, '/nodes/0/signal/filter: No such key: dat'],
    [{ for: '${{ signal.name }}' }, '/nodes/0/for: Unknown variable: signal'],
    [{ signal: { nam: 'paid' }, timeout }, "/nodes/0/signal/nam: There is no field 'nam' here. Did you mean 'name'?"],
  ])('is refused as %j', (fields, expected) => {
    expect(violationsOf(fields).join('\n')).toContain(expected);
  });
});
