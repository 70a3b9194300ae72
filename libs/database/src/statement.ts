import type { CompiledQuery, Kysely } from 'kysely';
import type { StatementBuilder } from './database.js';

export function compile<Tables, Row>(kysely: Kysely<Tables>, build: StatementBuilder<Tables, Row>): CompiledQuery<Row> {
  const statement = build(kysely);
  return 'isRawBuilder' in statement ? statement.compile(kysely) : statement.compile();
}
