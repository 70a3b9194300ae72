import { usageSchema, violationsOf, type TaskContract, type TaskOutcome } from '@millrace/contracts';
import { MillraceError, toMillraceError, type ErrorShape, type JsonValue } from '@millrace/kernel';
import { z } from 'zod';

const resultSchema = z.object({ output: z.unknown(), usage: usageSchema.optional() });

/**
 * What the work returned, as the outcome to send.
 * @throws MillraceError `invalid_output`, permanent: the same work would return the same again.
 */
export function completedOutcome(contract: TaskContract, result: unknown): TaskOutcome {
  const { output, usage } = parseReturned(contract, resultSchema, result);
  // Contracts are JSON by construction (their JSON Schemas are generated), so the cast holds and nothing is walked twice.
  const fitting = parseReturned(contract, contract.output, output) as JsonValue;
  return { status: 'completed', output: fitting, ...(usage !== undefined && { usage }) };
}

function parseReturned<Value>(contract: TaskContract, schema: z.ZodType<Value>, value: unknown): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MillraceError('internal', 'invalid_output', `The worker returned what does not fit ${contract.name}.`, {
    violations: violationsOf(parsed.error),
    retryable: false,
  });
}

/** What the work threw, as the outcome to send. An unexpected error may have passed by the next attempt. */
export function failedOutcome(thrown: unknown): TaskOutcome {
  const shape: ErrorShape = toMillraceError(thrown).toShape();
  const isExpected = thrown instanceof MillraceError;
  return { status: 'failed', error: isExpected ? shape : { ...shape, retryable: true } };
}

export const deadlineExceeded = (): MillraceError =>
  new MillraceError('timeout', 'deadline_exceeded', 'The task took longer than it had.');

export const attemptTimeout = (attemptMs: number): MillraceError =>
  new MillraceError('timeout', 'attempt_timeout', `The attempt took longer than ${attemptMs} ms.`);

export const idleTimeout = (idleMs: number): MillraceError =>
  new MillraceError('timeout', 'idle_timeout', `The work showed no progress for ${idleMs} ms.`);

export const effectUncertain = (): MillraceError =>
  new MillraceError('unavailable', 'effect_uncertain', 'An earlier delivery began with it and was not heard of again.');

export const deliveriesExhausted = (deliveries: number): MillraceError =>
  new MillraceError(
    'unavailable',
    'deliveries_exhausted',
    `The task was delivered ${deliveries} times and no worker finished it; it may be what ends them.`,
  );
