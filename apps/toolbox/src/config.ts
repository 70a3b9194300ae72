import { hostList, readConfiguration, variable, wholeNumber, type Environment } from '@millrace/service';
import { z } from 'zod';
import { readSources } from './database/sources.js';

export function readToolboxConfiguration(environment: Environment) {
  const { databasesFile, ...values } = readConfiguration(environment, {
    /** How many tools run at once in this process. */
    slots: variable('MILLRACE_TOOLBOX_SLOTS', wholeNumber({ min: 1, max: 1000 }).default(32), '32'),
    /** How many requests of graphs are under way at once in this process. */
    httpSlots: variable('MILLRACE_TOOLBOX_HTTP_SLOTS', wholeNumber({ min: 1, max: 1000 }).default(32), '32'),
    /** Hosts that graphs may ask though they are not on the public Internet. */
    allowedHosts: variable('MILLRACE_TOOLBOX_HTTP_ALLOW', hostList(), 'search.internal:8080,10.0.0.7:443'),
    /** How many statements of graphs run at once in this process, and connections to each database. */
    databaseSlots: variable('MILLRACE_TOOLBOX_DATABASE_SLOTS', wholeNumber({ min: 1, max: 100 }).default(4), '4'),
    /** Which databases graphs may read. */
    databasesFile: variable(
      'MILLRACE_TOOLBOX_DATABASES_FILE',
      z.string().max(4_000).optional(),
      '/etc/millrace/databases.json',
    ),
  });
  return { ...values, sources: readSources(databasesFile, environment) };
}

export type ToolboxConfiguration = ReturnType<typeof readToolboxConfiguration>;
