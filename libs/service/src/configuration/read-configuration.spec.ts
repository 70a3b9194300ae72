import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { z } from 'zod';
import { flag, portNumber, readConfiguration, variable, wholeNumber, type Environment } from '../index.js';

const read = (environment: Environment) =>
  readConfiguration(environment, {
    port: variable('SPEC_PORT', portNumber().default(8080), '8080'),
    workers: variable('SPEC_WORKERS', wholeNumber({ min: 1, max: 10 }), '4'),
    apiKey: variable('SPEC_API_KEY', z.string().min(10).optional(), 'a long text'),
    database: variable('SPEC_DATABASE_URL', z.url({ protocol: /^postgres$/ }).optional(), 'postgres://host/database'),
    verbose: variable('SPEC_VERBOSE', flag().default(false), 'true'),
  });

function problemOf(environment: Environment): MillraceError {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof MillraceError) return error;
  }
  throw new Error('It was accepted.');
}

describe('configuration', () => {
  it('is read with types and defaults; an empty variable counts as not set', () => {
    expect(read({ SPEC_WORKERS: '4', SPEC_PORT: '', SPEC_VERBOSE: 'yes' })).toEqual({
      port: 8080,
      workers: 4,
      verbose: true,
    });
  });

  it('that is wrong names every variable, what is wrong with it, and an example', () => {
    const error = problemOf({ SPEC_PORT: '70000', SPEC_VERBOSE: 'perhaps' });
    expect(error).toMatchObject({ kind: 'invalid', code: 'invalid_configuration' });
    expect(error.message.split('\n')).toEqual([
      'The configuration is wrong:',
      '  SPEC_PORT: must be at most 65535 (it is "70000"); for example 8080',
      '  SPEC_WORKERS: is not set; for example 4',
      '  SPEC_VERBOSE: must be true or false (it is "perhaps"); for example true',
    ]);
    expect(error.violations.map(({ pointer }) => pointer)).toEqual(['/SPEC_PORT', '/SPEC_WORKERS', '/SPEC_VERBOSE']);
  });

  it.each(['-1', '1.5', '1e3', '0x10', ' 4', '99999999999999999999', 'NaN'])('takes %j for no whole number', (text) => {
    expect(problemOf({ SPEC_WORKERS: text }).message).toContain('SPEC_WORKERS: must be');
  });

  it('never shows a secret', () => {
    const error = problemOf({
      SPEC_WORKERS: '1',
      SPEC_API_KEY: 'CANARY',
      SPEC_DATABASE_URL: 'mysql://me:CANARY@host/x',
    });
    expect(error.violations).toHaveLength(2);
    expect(JSON.stringify(error.toShape())).not.toContain('CANARY');
  });
});
