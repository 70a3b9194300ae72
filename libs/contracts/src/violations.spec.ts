import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { graphReferenceSchema } from './orchestrator/commands.js';
import { violationsOf } from './violations.js';

function violationsIn(schema: z.ZodType, value: unknown) {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : violationsOf(parsed.error);
}

describe('violationsOf a union', () => {
  const body = z.strictObject({ graph: graphReferenceSchema });

  it('speaks of the branch that the value was meant for', () => {
    expect(violationsIn(body, { graph: 'Not A Name' })).toEqual([
      { pointer: '/graph', message: 'must be NAME, NAME@VERSION or NAME@ALIAS' },
    ]);
  });

  it('reaches into the branch that went deepest', () => {
    const schema = z.union([z.string(), z.strictObject({ nodes: z.array(z.strictObject({ id: z.string() })) })]);
    expect(violationsIn(schema, { nodes: [{ id: 'a' }, { id: 7 }] })).toEqual([
      { pointer: '/nodes/1/id', message: expect.stringContaining('expected string') },
    ]);
  });

  it('names every branch where none knows the type', () => {
    const [violation] = violationsIn(body, { graph: 7 });
    expect(violation?.pointer).toBe('/graph');
    expect(violation?.message).toMatch(/string.*; or .*record/);
  });

  it('says once what every branch says alike', () => {
    const schema = z.union([z.string('is missing'), z.number('is missing')]);
    expect(violationsIn(schema, undefined)).toEqual([{ pointer: '', message: 'is missing' }]);
  });
});
