import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { graphOf } from '../testing/test-run.js';
import { validateGraph } from './validate.js';

const pointers = (given: JsonObject) => {
  const validation = validateGraph(graphOf([{ id: 'read', kind: 'database', with: given }]));
  return 'violations' in validation ? validation.violations.map(({ pointer }) => pointer) : [];
};
const fine = { source: 'shop', sql: 'select * from item where name = $1', parameters: ['${{ input.name }}'] };

describe('a database node', () => {
  it.each<[JsonObject, string[]]>([
    [fine, []],
    [{ ...fine, sql: "select '$${{ not an expression }}'" }, []],
    [{ ...fine, sql: 'select ${{ input.column }} from item' }, ['/nodes/0/with/sql']],
    [{ ...fine, sql: '${{ input.sql }}' }, ['/nodes/0/with/sql']],
    [{ ...fine, source: '${{ input.source }}' }, ['/nodes/0/with/source']],
    [{ source: 'shop' }, ['/nodes/0/with/sql']],
    [{ ...fine, sql: '' }, ['/nodes/0/with/sql']],
    [{ ...fine, maxRows: 0 }, ['/nodes/0/with/maxRows']],
    [{ ...fine, timeoutMs: 1e9 }, ['/nodes/0/with/timeoutMs']],
    [{ ...fine, url: 'postgres://x' }, ['/nodes/0/with/url']],
  ])('with %j is wrong at %j', (given, expected) => expect(pointers(given)).toEqual(expected));
});
