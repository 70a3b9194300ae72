import { describe, expect, it } from '@jest/globals';
import { newStandardEnvironment, standardEnvironment } from './environment.js';
import { TypedEnvironment, TypedWork } from './typed-environment.js';
import { listOf, objectOfTypes, stringType } from './types.js';

const typeOf = (source: string): string | undefined => standardEnvironment.parse(source).check().type;

describe('the types that the library keeps', () => {
  it.each([
    ['[1]', 'list<int>'],
    ['[[1]]', 'list<list<int>>'],
    ['[[[1]]]', 'list'],
    ['[[[[1]]]]', 'list<list<dyn>>'],
    ['{"a": {"b": 1}}', 'map<string, map<string, int>>'],
    ['{"a": {"b": {"c": 1}}}', 'map<string, dyn>'],
    ['[{"a": [1]}]', 'list'],
    ['[1].map(x, [x])', 'list<list<int>>'],
    ['[1].map(x, [[x]])', 'list'],
    ['optional.of([1])', 'optional<list<int>>'],
    ['optional.of([[1]])', 'optional<dyn>'],
  ])('of %s: %s', (source, type) => {
    expect(typeOf(source)).toBe(type);
  });

  it('are few, however deep literals are', () => {
    const types = Array.from({ length: 30 }, (_type, levels) => typeOf(`${'['.repeat(levels)}1${']'.repeat(levels)}`));
    expect(new Set(types)).toEqual(new Set(['int', 'list<int>', 'list<list<int>>', 'list', 'list<list<dyn>>']));
  });

  it('are bounded in every environment', () => {
    expect(newStandardEnvironment().parse('[[[[1]]]]').check().type?.length).toBeLessThan(20);
  });

  it('say what is inside of them two levels deep, and deeper where a schema says it', () => {
    const variables = { input: objectOfTypes([['pages', listOf(listOf(objectOfTypes([['title', stringType]])))]]) };
    const environment = new TypedEnvironment(variables, new TypedWork(1_000));
    expect(environment.check('input.pages[0][0].title')).toEqual(stringType);
    expect(() => environment.check('input.pages[0][0].titel')).toThrow('No such key');
    expect(() => environment.check('input.pages.map(p, p[0].titel)')).toThrow('No such key');
  });
});
