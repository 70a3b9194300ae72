/** Tasks that an operator gives to a service's process instead of running it. They need no bus: the service may not even be up. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { openDatabase, type Database } from '@millrace/database';
import { MillraceError } from '@millrace/kernel';
import type { AnyServiceDefinition } from '../service-definition.js';
import type { ProcessConfiguration } from './process-configuration.js';
import { openBackend } from './service-database.js';

/** What a task says when it is done. */
export interface OperatorAnswer {
  /** For standard output: what a script wants, and nothing else. */
  readonly result: string;
  /** For standard error: what a person should know. */
  readonly note?: string;
}

/** One task, with whose name as its first argument a service's process does it and exits: `node main.js <name> [options]`. */
export interface OperatorTask<Tables> {
  readonly name: string;
  /** Its arguments as they are written, without the name. */
  readonly synopsis: string;
  /** What it does, in lines of at most 90 characters. */
  readonly explanation: readonly string[];
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** @throws MillraceError `invalid_arguments` for values that it does not take, and why it cannot be done */
  run(
    database: Database<Tables>,
    values: Readonly<Record<string, string | boolean | undefined>>,
  ): Promise<OperatorAnswer>;
}

/** A task in a list: which tables it works on is its own business. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a task reads and writes its own tables
export type AnyOperatorTask = OperatorTask<any>;

/** @throws MillraceError `invalid_arguments` */
export function readTaskOptions(
  { name, options }: AnyOperatorTask,
  commandLine: readonly string[],
): Record<string, string | boolean | undefined> {
  try {
    const { values } = parseArgs({ args: [...commandLine], options, strict: true, allowPositionals: false });
    return values as Record<string, string | boolean | undefined>;
  } catch (error) {
    throw invalidArguments(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export const invalidArguments = (message: string): MillraceError =>
  new MillraceError('invalid', 'invalid_arguments', message);

/**
 * Does a task on the service's own database, as the user of MILLRACE_DATABASE_URL. The schema must be there already.
 * @throws MillraceError those of the task and of `openDatabase`
 */
export async function runOperatorTask(
  task: AnyOperatorTask,
  values: Readonly<Record<string, string | boolean | undefined>>,
  definition: AnyServiceDefinition,
  configuration: ProcessConfiguration,
): Promise<OperatorAnswer> {
  const { name, migrations } = definition;
  await using backend = openBackend(definition, configuration);
  if (backend === undefined || migrations === undefined) {
    throw new MillraceError('internal', 'database_missing', `${name} has no tables that ${task.name} could work on.`);
  }
  const database = await openDatabase<unknown>({ backend, service: name, migrations, schema: 'check' });
  return await task.run(database, values);
}
