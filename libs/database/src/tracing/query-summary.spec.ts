import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { summaryOf } from './query-summary.js';

const named = (sql: string): string => summaryOf(sql).summary;

describe('the summary of a statement', () => {
  it.each([
    ['select "a" from "run" where "run_id" = $1', 'SELECT run'],
    [
      'insert into run_event (tenant_id) select new.tenant_id from unnest($1::text[]) as new (tenant_id)',
      'INSERT run_event',
    ],
    ['update "api_key" set "used_at" = now() where id = $1', 'UPDATE api_key'],
    ['delete from only public.run_timer where ctid = any (array(select 1 from other))', 'DELETE run_timer'],
    ['select * from a join b using (id) join a as again on true', 'SELECT a SELECT b'],
    [
      'with held as (select 1 from lease), x (n) as (insert into run (id) select id from held) select n from x',
      'INSERT run',
    ],
    [
      'with gone as (select id from hold for update), own as (select 1 from budget for update of budget) delete from hold using gone',
      'DELETE hold',
    ],
    ['commit', 'COMMIT'],
    ['select extract(epoch from now()), set_config($1, $2, true)', 'SELECT'],
    ['', 'SQL'],
  ])('of %s', (sql, expected) => {
    expect(named(sql)).toBe(expected);
  });

  it('names the table where there is one, and the operation of what it does', () => {
    expect(summaryOf('select 1 from "run"')).toMatchObject({ operation: 'SELECT', collection: 'run' });
    expect(summaryOf('with a as (select 1 from b) insert into c select * from a')).toMatchObject({
      operation: 'INSERT',
      collection: undefined,
    });
  });

  it('holds no literal value, wherever one is written', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        const canary = `CANARY${value.replaceAll("'", "''")}`;
        const { text, summary } = summaryOf(`select * from run where name = '${canary}' and x in ('${canary}', $1)`);
        expect(text + summary).not.toContain('CANARY');
      }),
    );
  });

  it('takes time that grows with the text, however odd that is', () => {
    for (const unit of ['from ', 'with a as (', ', b as (', "'", '"', 'insert into ', ' join x.']) {
      expect(summaryOf(unit.repeat(10_000)).summary.length).toBeLessThan(200);
    }
  });
});
