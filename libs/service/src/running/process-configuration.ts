import { z } from 'zod';
import { portNumber, readConfiguration, variable, wholeNumber } from '../configuration/read-configuration.js';
import type { Environment } from '../service-definition.js';

const optionalText = () => z.string().optional();

/** What a process that runs one service reads from the environment, beside the service's own variables. */
export const readProcessConfiguration = (environment: Environment) =>
  readConfiguration(environment, {
    natsServers: variable(
      'MILLRACE_NATS_URL',
      z.string().default('nats://127.0.0.1:4222'),
      'nats://a:4222,nats://b:4222',
    ),
    natsUser: variable('MILLRACE_NATS_USER', optionalText(), 'research'),
    natsPassword: variable('MILLRACE_NATS_PASSWORD', optionalText(), 'a password'),
    natsToken: variable('MILLRACE_NATS_TOKEN', optionalText(), 'a token'),
    /** Between two attempts to connect again, in milliseconds; as much again at random on top. */
    natsReconnectWaitMs: variable(
      'MILLRACE_NATS_RECONNECT_WAIT_MS',
      wholeNumber({ min: 1, max: 60_000 }).default(250),
      '250',
    ),
    natsReplicas: variable('MILLRACE_NATS_REPLICAS', wholeNumber({ min: 1, max: 5 }).default(1), '3'),
    databaseUrl: variable('MILLRACE_DATABASE_URL', optionalText(), 'postgres://user:password@host:5432/research'),
    databaseMigrate: variable('MILLRACE_DATABASE_MIGRATE', z.enum(['auto', 'never']).default('auto'), 'never'),
    databaseMigrationUrl: variable(
      'MILLRACE_DATABASE_MIGRATION_URL',
      optionalText(),
      'postgres://owner:password@host:5432/research',
    ),
    databaseConnections: variable(
      'MILLRACE_DATABASE_CONNECTIONS',
      wholeNumber({ min: 1, max: 1000 }).default(10),
      '10',
    ),
    logLevel: variable('MILLRACE_LOG_LEVEL', optionalText(), 'info,orchestrator=debug'),
    logFormat: variable('MILLRACE_LOG_FORMAT', z.enum(['auto', 'json', 'pretty']).default('auto'), 'json'),
    healthHost: variable('MILLRACE_HEALTH_HOST', z.string().default('0.0.0.0'), '127.0.0.1'),
    healthPort: variable('MILLRACE_HEALTH_PORT', portNumber().default(8081), '8081'),
    drainGraceMs: variable('MILLRACE_DRAIN_GRACE_MS', wholeNumber({ min: 0, max: 600_000 }).default(25_000), '25000'),
  });

export type ProcessConfiguration = ReturnType<typeof readProcessConfiguration>;
