/** The spans of statements: what was asked, of which service's tables, with placeholders and never with values. */
import {
  databaseAttributes,
  inStatementSpan,
  isTracing,
  recordStatementSpan,
  type SpanDescription,
} from '@millrace/telemetry';
import type { LogEvent } from 'kysely';
import { summaryOf } from './query-summary.js';

/** Runs one statement in a span, which is linked to every trace that the statement serves. */
export const tracedStatement = <Result>(schema: string, sql: string, run: () => Promise<Result>): Promise<Result> =>
  isTracing() ? inStatementSpan(() => describe(schema, sql), run) : run();

/** What each transaction begins with says nothing about the work in it. */
const openings = /^\s*(?:begin|start transaction|set transaction|select set_config\('role')/i;

/** For kysely's `log`: the span of a statement in a transaction, once it is done. Without tracing there is none. */
export function statementRecorder(schemaOf: () => string): ((event: LogEvent) => void) | undefined {
  if (!isTracing()) return undefined;
  return (event) => {
    if (openings.test(event.query.sql)) return;
    const error = event.level === 'error' ? event.error : undefined;
    recordStatementSpan(() => describe(schemaOf(), event.query.sql), event.queryDurationMillis, error);
  };
}

function describe(schema: string, sql: string): SpanDescription {
  const { summary, operation, collection, text } = summaryOf(sql);
  return {
    name: summary,
    kind: 'client',
    attributes: {
      [databaseAttributes.system]: 'postgresql',
      [databaseAttributes.namespace]: schema,
      [databaseAttributes.operation]: operation,
      [databaseAttributes.summary]: summary,
      [databaseAttributes.text]: text,
      ...(collection !== undefined && { [databaseAttributes.collection]: collection }),
    },
  };
}
