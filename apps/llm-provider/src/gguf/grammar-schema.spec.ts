import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { grammarSchema } from './grammar-schema.js';

const refusal = (schema: JsonObject): unknown => {
  try {
    return grammarSchema(schema);
  } catch (error) {
    return error;
  }
};

describe('the grammar of a schema', () => {
  it('keeps what it can say and leaves bounds of numbers to whoever checks', () => {
    const schema: JsonObject = {
      type: 'object',
      properties: {
        title: { type: 'string', minLength: 1, maxLength: 80, pattern: '^[A-Z]' },
        score: { type: 'number', minimum: 0, maximum: 1 },
        tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 3 },
        note: { type: ['string', 'null'] },
        on: { type: 'string', format: 'date' },
      },
      required: ['title'],
    };
    expect(grammarSchema(schema)).toEqual({
      type: 'object',
      properties: {
        title: { type: 'string', minLength: 1, maxLength: 80 },
        score: { type: 'number' },
        tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 3 },
        note: { type: ['string', 'null'] },
        on: { type: 'string', format: 'date' },
      },
    });
  });

  it('writes alternatives as one of them', () => {
    expect(grammarSchema({ anyOf: [{ const: 1 }, { type: 'boolean' }] })).toEqual({
      oneOf: [{ enum: [1] }, { type: 'boolean' }],
    });
    expect(grammarSchema({ type: ['object', 'null'], properties: { a: { type: 'null' } } })).toEqual({
      oneOf: [{ type: 'object', properties: { a: { type: 'null' } } }, { type: 'null' }],
    });
  });

  it('follows references inside of it, also to itself', () => {
    const tree: JsonObject = {
      $ref: '#/definitions/node',
      definitions: {
        node: { type: 'object', properties: { children: { type: 'array', items: { $ref: '#/definitions/node' } } } },
      },
    };
    expect(grammarSchema(tree)).toEqual({
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } } } },
    });
  });

  it('takes an object of any properties for one that names none', () => {
    expect(grammarSchema({ type: 'object' })).toEqual({ type: 'object', additionalProperties: true });
    expect(grammarSchema({ type: 'object', additionalProperties: { type: 'integer' } })).toEqual({
      type: 'object',
      additionalProperties: { type: 'integer' },
    });
    expect(grammarSchema({ type: 'object', additionalProperties: false })).toEqual({ type: 'object', properties: {} });
  });

  const deep = Array.from({ length: 100 }).reduce<JsonObject>((inner) => ({ type: 'array', items: inner }), {});
  it.each<[string, JsonObject]>([
    ['what forbids', { not: { type: 'string' } }],
    ['what holds all at once', { properties: { a: { allOf: [{ type: 'string' }] } } }],
    ['references to elsewhere', { $ref: 'https://example.com/schema.json' }],
    ['references to nothing', { $ref: '#/$defs/none' }],
    ['objects as the only values', { enum: [{ a: 1 }] }],
    ['no values at all', { enum: [] }],
    ['a part that is no schema', { properties: { a: 5 } }],
    ['endless depth', deep],
  ])('refuses %s', (_, schema) => {
    expect(refusal(schema)).toMatchObject({ code: 'provider_rejected_request' });
  });
});
