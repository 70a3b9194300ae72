/** The only reader of the orchestrator's environment. */
import { hostname } from 'node:os';
import { newId } from '@millrace/kernel';
import { flag, readConfiguration, variable, wholeNumber, type Environment } from '@millrace/service';
import { z } from 'zod';
import { daysOfTenants, type RetentionPolicy } from './retention/keep-days.js';

export interface OrchestratorConfig {
  /**
   * The name of this replica. With a name that outlives the process (one process on one data folder, a stateful set's pod) it takes
   * its own partitions back at once after a crash; a name must never be used by two processes at a time.
   */
  readonly replica: string;
  readonly leaseMs: number;
  readonly reconcileAfterMs: number;
  readonly timerPollMs: number;
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  readonly hotRunBytes: number;
  readonly maxOutputBytes: number;
  /** How many tasks may wait in one queue of workers before further ones take turns by tenant and priority. */
  readonly taskBurst: number;
  /** How many turns a tenant gets for each one of another; 1 for those that are not named. */
  readonly tenantWeights: ReadonlyMap<string, number>;
  /** For how long runs are kept after their end. */
  readonly retention: RetentionPolicy;
  readonly retentionMs: number;
  /** Whether the completion of every step is announced as a stored event, beside what happens to runs as a whole. */
  readonly announceSteps: boolean;
}

const megabyte = 1024 * 1024;
const count = (fallback: number, range: { min: number; max: number }) => wholeNumber(range).default(fallback);

/** `TENANT=WEIGHT,…`, each weight from 1 to 1000. */
const tenantWeights = () =>
  z
    .string()
    .max(100_000)
    .default('')
    .refine(
      (text) => entriesOf(text).every((entry) => /^[a-z0-9][a-z0-9_-]{0,62}=(1000|[1-9][0-9]{0,2})$/.test(entry)),
      {
        error: 'must be TENANT=WEIGHT,…, each weight a whole number from 1 to 1000',
      },
    )
    .transform(
      (text): ReadonlyMap<string, number> =>
        new Map(entriesOf(text).map((entry) => [entry.split('=')[0] ?? '', Number(entry.split('=')[1])])),
    );
const entriesOf = (text: string): string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** @throws MillraceError `invalid_configuration` that names each wrong variable */
export function orchestratorConfig(environment: Environment): OrchestratorConfig {
  const { keepDays, keepDaysOf, ...values } = readConfiguration(environment, {
    replica: variable(
      'MILLRACE_ORCHESTRATOR_REPLICA',
      z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,200}$/, 'must be 1 to 200 letters, digits, dots, dashes or underscores')
        .default(`${hostname().slice(0, 100)}-${newId('replica')}`),
      'orchestrator-0',
    ),
    leaseMs: variable('MILLRACE_ORCHESTRATOR_LEASE_MS', count(10_000, { min: 300, max: 600_000 }), '10000'),
    reconcileAfterMs: variable(
      'MILLRACE_ORCHESTRATOR_RECONCILE_AFTER_MS',
      count(300_000, { min: 100, max: 86_400_000 }),
      '300000',
    ),
    timerPollMs: variable('MILLRACE_ORCHESTRATOR_TIMER_POLL_MS', count(1_000, { min: 50, max: 60_000 }), '1000'),
    maxWaiting: variable('MILLRACE_ORCHESTRATOR_MAX_WAITING', count(10_000, { min: 1, max: 1_000_000 }), '10000'),
    maxWaitingBytes: variable(
      'MILLRACE_ORCHESTRATOR_MAX_WAITING_BYTES',
      count(64 * megabyte, { min: megabyte, max: 4096 * megabyte }),
      '67108864',
    ),
    hotRunBytes: variable(
      'MILLRACE_ORCHESTRATOR_HOT_RUN_BYTES',
      count(128 * megabyte, { min: megabyte, max: 65_536 * megabyte }),
      '134217728',
    ),
    maxOutputBytes: variable(
      'MILLRACE_ORCHESTRATOR_MAX_OUTPUT_BYTES',
      count(8 * megabyte, { min: 1_000, max: 64 * megabyte }),
      '8388608',
    ),
    taskBurst: variable('MILLRACE_ORCHESTRATOR_TASK_BURST', count(32, { min: 1, max: 100_000 }), '32'),
    tenantWeights: variable('MILLRACE_ORCHESTRATOR_TENANT_WEIGHTS', tenantWeights(), 'acme=3,other=1'),
    keepDays: variable('MILLRACE_ORCHESTRATOR_KEEP_DAYS', wholeNumber({ min: 1, max: 36_500 }).optional(), '90'),
    keepDaysOf: variable(
      'MILLRACE_ORCHESTRATOR_KEEP_DAYS_OF',
      daysOfTenants().default(new Map<string, number>()),
      'acme=30,globex=365',
    ),
    retentionMs: variable('MILLRACE_ORCHESTRATOR_RETENTION_MS', count(300_000, { min: 50, max: 86_400_000 }), '300000'),
    announceSteps: variable('MILLRACE_ORCHESTRATOR_ANNOUNCE_STEPS', flag().default(false), 'true'),
  });
  return { ...values, retention: { days: keepDays ?? null, ofTenants: keepDaysOf } };
}
