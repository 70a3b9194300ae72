import { taskDataSchema, violationsOf, type Envelope, type TaskContract, type TaskData } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { z } from 'zod';

/** The input came as JSON and is checked against its own contract, so it is not walked here as well. */
const taskShape = taskDataSchema.extend({ input: z.unknown() });

/**
 * The task inside a message.
 * @throws MillraceError `unexpected_message` or `invalid_message` when nobody could be answered.
 */
export function openTask(contract: TaskContract, envelope: Envelope): TaskData {
  if (envelope.type !== contract.name || envelope.version !== contract.version) {
    throw new MillraceError(
      'unsupported',
      'unexpected_message',
      `Expected ${contract.name} version ${contract.version}, got ${envelope.type} version ${envelope.version}.`,
    );
  }
  const parsed = taskShape.safeParse(envelope.data);
  if (parsed.success) return parsed.data as TaskData;
  throw new MillraceError('invalid', 'invalid_message', `The message is no valid ${contract.name}.`, {
    violations: violationsOf(parsed.error),
  });
}

/**
 * The input that the contract accepts, defaults applied.
 * @throws MillraceError `invalid_input`, permanent, with a pointer to each mistake.
 */
export function openInput<Input>(contract: TaskContract<Input>, input: unknown): Input {
  const parsed = contract.input.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new MillraceError('invalid', 'invalid_input', `The input does not fit ${contract.name}.`, {
    violations: violationsOf(parsed.error),
  });
}
