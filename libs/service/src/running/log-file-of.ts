import { openLogFile, type LogFile } from '@millrace/telemetry';
import { z } from 'zod';
import { flag, readConfiguration, variable, wholeNumber } from '../configuration/read-configuration.js';
import type { Environment } from '../service-definition.js';

const readLogFileConfiguration = (environment: Environment) =>
  readConfiguration(environment, {
    path: variable('MILLRACE_LOG_FILE', z.string().optional(), '/var/log/millrace/gateway.log'),
    maxBytes: variable(
      'MILLRACE_LOG_FILE_BYTES',
      wholeNumber({ min: 10_000, max: 100_000_000_000 }).default(100_000_000),
      '100000000',
    ),
    keptFiles: variable('MILLRACE_LOG_FILES_KEPT', wholeNumber({ min: 1, max: 10_000 }).default(10), '10'),
    compress: variable('MILLRACE_LOG_FILES_COMPRESSED', flag().default(false), 'true'),
  });

/**
 * The file that a process's lines go to instead of standard output, where MILLRACE_LOG_FILE names one.
 * @throws MillraceError `invalid_configuration`
 */
export async function logFileOf(environment: Environment): Promise<LogFile | undefined> {
  const { path, ...limits } = readLogFileConfiguration(environment);
  return path === undefined ? undefined : await openLogFile({ path, ...limits });
}
