/**
 * Which JavaScript values columns become, the same on both backends: bigint is a number (an error beyond 2^53, never a
 * wrong digit), timestamptz a Date, date, timestamp, interval and numeric their text, bytea a Buffer, jsonb its value.
 */
import { MillraceError } from '@millrace/kernel';
import { sql, type RawBuilder } from 'kysely';
import pg from 'pg';
import { parse as parseArray } from 'postgres-array';

type Parser = (text: string) => unknown;

function safeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new MillraceError('internal', 'unsafe_integer', `The bigint ${text} does not fit a JavaScript number.`);
}

const asText: Parser = (text) => text;
const asPgDoes = (typeId: number): Parser => pg.types.getTypeParser(typeId, 'text') as Parser;

/** Each type with the id of its array type; ids are fixed in Postgres (pg_type.dat). */
const scalars: readonly (readonly [typeId: number, arrayTypeId: number, parse: Parser])[] = [
  [20, 1016, safeInteger], // int8
  [1700, 1231, asText], // numeric
  [1184, 1185, asPgDoes(1184)], // timestamptz
  [1114, 1115, asText], // timestamp
  [1082, 1182, asText], // date
  [1186, 1187, asText], // interval
  [17, 1001, asPgDoes(17)], // bytea
];

/** By type id; both drivers take such a table. */
export const valueParsers: Readonly<Record<number, Parser>> = Object.fromEntries(
  scalars.flatMap(([typeId, arrayTypeId, parse]): [number, Parser][] => [
    [typeId, parse],
    [arrayTypeId, (text) => parseArray(text, parse)],
  ]),
);

/** A value for a jsonb column. Bare arrays and strings mean different things to the two drivers; this means JSON to both. */
export const jsonb = <Value>(value: Value): RawBuilder<Value> => sql<Value>`${JSON.stringify(value)}::jsonb`;
