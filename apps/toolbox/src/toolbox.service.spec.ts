import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { envelopeOf, toolTask, type TaskResult } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { eventually } from '@millrace/testing';
import { describeTools, toolboxService } from './index.js';

const replyTo = 'result.1.v1';
let bus: MessageBus;
let service: RunningService;
let results: TaskResult[];
/** Lines that were logged as errors. */
let errors: string[];

beforeEach(async () => {
  bus = createInProcessBus();
  results = [];
  await bus.respond(replyTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
    results.push(envelope.data as TaskResult);
    return Promise.resolve({ applied: true });
  });
  errors = [];
  const logger = createLogger({ levels: parseLogLevels('error'), destination: { write: (line) => errors.push(line) } });
  service = await startService(toolboxService, { environment: {}, bus, logger });
});
afterEach(async () => {
  await service.drain({ graceMs: 0 });
  await bus.drain({ graceMs: 0 });
});

async function call(input: unknown, deadlineAt?: string): Promise<TaskResult> {
  const runId = newId('run');
  const task = {
    taskId: `${runId}:call:1`,
    runId,
    node: 'call',
    attempt: 1,
    input,
    stream: false,
    replyTo,
    deadlineAt,
  };
  const context = { tenantId: 'acme', correlationId: 'req_1', causationId: null };
  await bus.publish({ subject: toolTask.subject, envelope: envelopeOf(toolTask, context, task, { id: task.taskId }) });
  return eventually(() => results.find((result) => result.runId === runId) ?? false);
}

const failure = (code: string, pointer: string) => ({
  status: 'failed',
  error: expect.objectContaining({
    code,
    retryable: false,
    violations: [expect.objectContaining({ pointer })],
  }) as unknown,
});

describe('the toolbox', () => {
  it('echoes arguments, and makes payloads of a size', async () => {
    const plain = await call({ tool: 'echo', arguments: { a: [1, { b: null }] } });
    expect(plain.outcome).toEqual({ status: 'completed', output: { result: { a: [1, { b: null }] } } });
    const nothing = await call({ tool: 'echo' });
    expect(nothing.outcome).toEqual({ status: 'completed', output: { result: {} } });
    const large = await call({ tool: 'echo', arguments: { bytes: 2_000_000 } });
    expect(large.outcome).toMatchObject({ output: { result: { payload: 'x'.repeat(2_000_000) } } });
  });

  it.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['2 ^ 3 ^ 2', 512],
    ['-2 ^ 2', -4],
    ['10 - 4 - 3', 3],
    ['7 % 4 / 2', 1.5],
    ['1.5e3 + -(2)', 1498],
  ])('calculates %s', async (expression, value) => {
    const { outcome } = await call({ tool: 'calculate', arguments: { expression } });
    expect(outcome).toEqual({ status: 'completed', output: { result: { expression, value } } });
  });

  it('describes tools by name, and refuses a name that no tool has', async () => {
    const { outcome } = await call({ tool: 'describe', arguments: { names: ['delay', 'echo'] } });
    expect(outcome).toMatchObject({
      output: { result: { tools: [{ name: 'delay', arguments: { required: ['milliseconds'] } }, { name: 'echo' }] } },
    });
    const refused = await call({ tool: 'describe', arguments: { names: ['echo', 'constructor'] } });
    expect(refused.outcome).toMatchObject({ status: 'failed', error: { code: 'unknown_tool', retryable: false } });
  });

  it('waits, and stops waiting at the deadline', async () => {
    const waited = await call({ tool: 'delay', arguments: { milliseconds: 20 } });
    expect(waited.outcome).toEqual({ status: 'completed', output: { result: { milliseconds: 20 } } });
    const cut = await call(
      { tool: 'delay', arguments: { milliseconds: 60_000 } },
      new Date(Date.now() + 20).toISOString(),
    );
    expect(cut.outcome).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    expect(errors).toEqual([]);
  });

  it.each([
    [{ tool: 'rm', arguments: {} }, 'unknown_tool', '/tool'],
    [{ tool: 'constructor' }, 'unknown_tool', '/tool'],
    [{ tool: 'delay', arguments: { milliseconds: 60_001 } }, 'invalid_arguments', '/arguments/milliseconds'],
    [{ tool: 'delay', arguments: { milliseconds: -1 } }, 'invalid_arguments', '/arguments/milliseconds'],
    [{ tool: 'delay', arguments: { milliseconds: 1, more: 2 } }, 'invalid_arguments', '/arguments/more'],
    [{ tool: 'echo', arguments: { bytes: 9e15 } }, 'invalid_arguments', '/arguments/bytes'],
    [{ tool: 'calculate', arguments: { expression: '2 +' } }, 'invalid_arguments', '/arguments/expression'],
    [{ tool: 'calculate', arguments: { expression: '('.repeat(500) } }, 'invalid_arguments', '/arguments/expression'],
    [{ tool: 'calculate', arguments: { expression: 'process.exit()' } }, 'invalid_arguments', '/arguments/expression'],
    [{ tool: 'calculate', arguments: { expression: '1 / 0' } }, 'invalid_arguments', '/arguments/expression'],
    [{ tool: 'calculate', arguments: { expression: '1'.repeat(1_001) } }, 'invalid_arguments', '/arguments/expression'],
    [{ tool: 'echo', arguments: 'text' }, 'invalid_input', '/arguments'],
    [{ arguments: {} }, 'invalid_input', '/tool'],
  ])('refuses %j for good', async (input, code, pointer) => {
    expect((await call(input)).outcome).toEqual(failure(code, pointer));
  });

  it('says in the message what is wrong with the arguments, because a run keeps only that', async () => {
    const { outcome } = await call({ tool: 'delay', arguments: { milliseconds: -1, more: 2 } });
    const message = expect.stringMatching(
      /^The arguments do not fit delay: milliseconds .*; more is not a known field\.$/,
    );
    expect(outcome).toMatchObject({ status: 'failed', error: { message: message as unknown } });
  });

  it('describes each tool with a JSON Schema of its arguments', () => {
    expect(describeTools().map(({ name }) => name)).toEqual(['echo', 'delay', 'calculate', 'describe']);
    expect(describeTools()[1]?.arguments).toMatchObject({
      type: 'object',
      required: ['milliseconds'],
      additionalProperties: false,
      properties: { milliseconds: { type: 'integer', minimum: 0, maximum: 60_000 } },
    });
  });
});
