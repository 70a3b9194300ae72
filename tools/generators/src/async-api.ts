/** AsyncAPI 3.0 of the bus: every subject, who answers or works on it, and what its messages are. */
import {
  cloudEventHeadersSchema,
  type CommandContract,
  customEventSubject,
  customResultSubject,
  envelopeSchema,
  errorShapeSchema,
  type EventContract,
  liveRunEnded,
  liveRunEvents,
  liveRunFollowed,
  liveTaskBeat,
  liveTokenSchema,
  openWorker,
  openWorkerSubject,
  sharedShapes,
  type TaskContract,
  taskBegin,
  taskDataSchema,
  taskResult,
  taskResults,
} from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { deadLetterHeaders } from '@millrace/messaging';
import { type z } from 'zod';
import { keyOf, type KnownContracts } from './known-contracts.js';

type Shapes = ReturnType<typeof sharedShapes>;

/** One part of the document: its channels, operations and messages. */
interface Part {
  readonly channels: JsonObject;
  readonly operations: JsonObject;
  readonly messages: JsonObject;
}

export function asyncApiDocument(contracts: KnownContracts): JsonObject {
  const shapes = sharedShapes('#/components/schemas/');
  shapes.shapes['Envelope'] = shapes.take(envelopeSchema, 'output');
  const parts = [
    ...contracts.commands.map((contract) => commandPart(contract, shapes)),
    ...contracts.tasks.map((contract) => taskPart(contract, shapes)),
    resultPart(shapes),
    resultsPart(shapes),
    beginPart(shapes),
    customWorkerPart(shapes),
    ...contracts.events.map((contract) => eventPart(contract, shapes)),
    customEventPart(shapes),
    livePart(
      'events',
      'Hints at new events of a followed run, after their commit; never stored.',
      liveRunEvents.data,
      shapes,
    ),
    partitionPart(
      'followed',
      'Says that a run of the partition is followed, so that its events are hinted at; never stored.',
      liveRunFollowed,
      shapes,
    ),
    partitionPart(
      'beats',
      'Says that a worker makes progress with a task whose node limits its idleness; never stored.',
      liveTaskBeat,
      shapes,
    ),
    livePart('ended', 'A hint that a run has ended, after its commit; never stored.', liveRunEnded.data, shapes),
    livePart(
      'tokens',
      'Tokens of a run, short-lived, with sequence numbers for an exact resume.',
      liveTokenSchema,
      shapes,
    ),
    deadLetterPart(),
  ];
  const merged = (pick: (part: Part) => JsonObject): JsonObject => Object.assign({}, ...parts.map(pick)) as JsonObject;
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Millrace',
      version: '1',
      description:
        'The messages between the services. Payloads over 256 KiB travel as a claim check that neither side notices.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      nats: {
        host: 'localhost:4222',
        protocol: 'nats',
        description: 'NATS with JetStream, or the bus inside one process.',
      },
    },
    channels: merged(({ channels }) => channels),
    operations: merged(({ operations }) => operations),
    components: { messages: merged(({ messages }) => messages), schemas: shapes.shapes },
  };
}

function commandPart(contract: CommandContract, shapes: Shapes): Part {
  const key = keyOf(contract);
  const replyKey = `${key}.reply`;
  return {
    channels: {
      [key]: channel(contract.subject, contract.summary, key),
      [replyKey]: { address: null, messages: reference(replyKey) },
    },
    operations: { [key]: requestOperation(key, replyKey, `Answered by ${contract.owner}, after its commit.`) },
    messages: {
      [key]: message(
        `${contract.name}`,
        contract.summary,
        envelopeOf(contract, shapes.take(contract.request, 'input')),
      ),
      [replyKey]: message(`${contract.name}.reply`, 'The answer or the error.', replyOf(contract.response, shapes)),
    },
  };
}

function taskPart(contract: TaskContract, shapes: Shapes): Part {
  const key = keyOf(contract);
  const data = shapes.take(taskDataSchema, 'output') as { properties: JsonObject };
  const task = { ...data, properties: { ...data.properties, input: shapes.take(contract.input, 'input') } };
  const output = shapes.take(contract.output, 'output');
  const bounds = `Delivered again after ${contract.ackWaitMs} ms of silence, at most ${contract.maxDeliveries} times.`;
  return {
    channels: {
      [key]: { ...channel(contract.subject, `${contract.summary} ${bounds}`, key), ...parametersOf(contract) },
    },
    operations: {
      [key]: { action: 'receive', channel: { $ref: `#/channels/${key}` }, summary: 'Executed by one worker.' },
    },
    messages: {
      [key]: { ...message(contract.name, contract.summary, envelopeOf(contract, task)), 'x-output': output },
    },
  };
}

/** A task whose subject differs from worker to worker has the names of what differs in braces. */
function parametersOf({ subject }: TaskContract): JsonObject {
  const names = [...subject.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  if (names.length === 0) return {};
  return { parameters: Object.fromEntries(names.map((name) => [name, { description: `The name of the ${name}.` }])) };
}

/** What a program of a tenant asks and answers, on subjects of its own. */
function customWorkerPart(shapes: Shapes): Part {
  const [key, replyKey, resultKey] = [
    'custom-worker.open.v1',
    'custom-worker.open.v1.reply',
    'custom-worker.result.v1',
  ];
  const identity = { tenantId: '{tenant}', worker: '{worker}' };
  const names = {
    tenant: { description: 'Whose program it is.' },
    worker: { description: 'What graphs call the program.' },
  };
  const partition = { description: 'The partition of the run, 0 to 15.' };
  const result = customResultSubject(identity, 0).replace('.0.', '.{partition}.');
  return {
    channels: {
      [key]: { ...channel(openWorkerSubject(identity), openWorker.summary, key), parameters: names },
      [replyKey]: { address: null, messages: reference(replyKey) },
      [resultKey]: {
        ...channel(result, 'As task.result.v1, from a program of a tenant.', 'task.result.v1'),
        parameters: { ...names, partition },
      },
    },
    operations: {
      [key]: requestOperation(key, replyKey, 'Answered by the orchestrator when tasks wait.'),
      [resultKey]: requestOperation(
        resultKey,
        'task.result.v1.reply',
        'Answered by the orchestrator after the commit.',
      ),
    },
    messages: {
      [key]: message(
        openWorker.name,
        openWorker.summary,
        envelopeOf(openWorker, shapes.take(openWorker.request, 'input')),
      ),
      [replyKey]: message(`${openWorker.name}.reply`, 'Where tasks wait.', replyOf(openWorker.response, shapes)),
    },
  };
}

function resultPart(shapes: Shapes): Part {
  const [key, replyKey] = ['task.result.v1', 'task.result.v1.reply'];
  return {
    channels: {
      [key]: {
        ...channel('result.{partition}.v1', 'What became of a task, as a request to the owner of its run.', key),
        parameters: { partition: { description: 'The partition of the run, 0 to 15.' } },
      },
      [replyKey]: { address: null, messages: reference(replyKey) },
    },
    operations: {
      [key]: requestOperation(key, replyKey, 'Answered by the orchestrator after the commit; then the task is acked.'),
    },
    messages: {
      [key]: message(
        taskResult.name,
        'The outcome of an attempt.',
        envelopeOf(taskResult, shapes.take(taskResult.request, 'input')),
      ),
      [replyKey]: message(
        `${taskResult.name}.reply`,
        'Whether it changed anything.',
        replyOf(taskResult.response, shapes),
      ),
    },
  };
}

function resultsPart(shapes: Shapes): Part {
  const [key, replyKey] = ['task.results.v1', 'task.results.v1.reply'];
  const summary = 'What became of several tasks of one tenant, as one request to the replica that published them.';
  return {
    channels: {
      [key]: {
        ...channel('result.{replica}.v1', summary, key),
        parameters: { replica: { description: 'As the `togetherTo` of the tasks says.' } },
      },
      [replyKey]: { address: null, messages: reference(replyKey) },
    },
    operations: {
      [key]: requestOperation(key, replyKey, 'Answered after the commits, with a verdict for each.'),
    },
    messages: {
      [key]: message(taskResults.name, summary, envelopeOf(taskResults, shapes.take(taskResults.request, 'input'))),
      [replyKey]: message(`${taskResults.name}.reply`, 'One verdict each.', replyOf(taskResults.response, shapes)),
    },
  };
}

/** Asked on the subject of results, so that whoever may answer a task may ask. */
function beginPart(shapes: Shapes): Part {
  const [key, replyKey] = ['task.begin.v1', 'task.begin.v1.reply'];
  const summary = 'A worker asks whether it may begin with an attempt that must not be done twice.';
  return {
    channels: {
      [key]: {
        ...channel('result.{partition}.v1', summary, key),
        parameters: { partition: { description: 'The partition of the run, 0 to 15.' } },
      },
      [replyKey]: { address: null, messages: reference(replyKey) },
    },
    operations: { [key]: requestOperation(key, replyKey, 'Answered by the orchestrator after the commit.') },
    messages: {
      [key]: message(taskBegin.name, summary, envelopeOf(taskBegin, shapes.take(taskBegin.request, 'input'))),
      [replyKey]: message(`${taskBegin.name}.reply`, 'Whether it may.', replyOf(taskBegin.response, shapes)),
    },
  };
}

function eventPart(contract: EventContract, shapes: Shapes): Part {
  const key = keyOf(contract);
  const address = `evt.{tenant}.${contract.entity}.${contract.action}.v${contract.version}`;
  return {
    channels: {
      [key]: {
        ...channel(address, contract.summary, key),
        parameters: { tenant: { description: 'Whose event it is.' } },
      },
    },
    operations: {
      [key]: { action: 'send', channel: { $ref: `#/channels/${key}` }, summary: `Published by ${contract.owner}.` },
    },
    messages: {
      [key]: {
        ...message(contract.name, contract.summary, envelopeOf(contract, shapes.take(contract.data, 'output'))),
        headers: shapes.take(cloudEventHeadersSchema, 'output'),
      },
    },
  };
}

function customEventPart(shapes: Shapes): Part {
  const key = 'custom-event';
  const summary = 'What a tenant published itself; its own attributes are further headers.';
  return {
    channels: {
      [key]: {
        ...channel(customEventSubject('{tenant}', '{type}'), summary, key),
        parameters: {
          tenant: { description: 'Whose event it is.' },
          type: { description: 'The type of the event: up to 8 tokens.' },
        },
      },
    },
    operations: { [key]: { action: 'send', channel: { $ref: `#/channels/${key}` }, summary } },
    messages: {
      [key]: {
        ...message(key, summary, { $ref: '#/components/schemas/Envelope' }),
        headers: shapes.take(cloudEventHeadersSchema, 'output'),
      },
    },
  };
}

function livePart(kind: 'events' | 'ended' | 'tokens', summary: string, data: z.ZodType, shapes: Shapes): Part {
  const key = `live.${kind}`;
  return {
    channels: {
      [key]: {
        ...channel(`live.{run}.${kind}`, summary, key),
        parameters: { run: { description: 'The id of the run.' } },
      },
    },
    operations: { [key]: { action: 'send', channel: { $ref: `#/channels/${key}` }, summary } },
    messages: { [key]: message(key, summary, envelopeOf({}, shapes.take(data, 'output'))) },
  };
}

function partitionPart(
  kind: 'followed' | 'beats',
  summary: string,
  contract: { readonly name: string; readonly version: number; readonly data: z.ZodType },
  shapes: Shapes,
): Part {
  const key = `live.${kind}`;
  return {
    channels: {
      [key]: {
        ...channel(`live.partition-{partition}.${kind}`, summary, key),
        parameters: { partition: { description: 'The partition that owns the run.' } },
      },
    },
    operations: { [key]: { action: 'receive', channel: { $ref: `#/channels/${key}` }, summary } },
    messages: {
      [key]: message(key, summary, envelopeOf(contract, shapes.take(contract.data, 'output'))),
    },
  };
}

function deadLetterPart(): Part {
  const key = 'dead-letter';
  const headers = Object.fromEntries(Object.values(deadLetterHeaders).map((name) => [name, { type: 'string' }]));
  const summary = 'What could not be processed, as it was, with its reason in the headers.';
  return {
    channels: {
      [key]: {
        ...channel('dlq.{subject}', summary, key),
        parameters: { subject: { description: 'The subject that the message came from.' } },
      },
    },
    operations: { [key]: { action: 'send', channel: { $ref: `#/channels/${key}` }, summary } },
    messages: {
      [key]: {
        ...message(key, summary, { $ref: '#/components/schemas/Envelope' }),
        headers: { type: 'object', properties: headers },
      },
    },
  };
}

const channel = (address: string, summary: string, messageKey: string): JsonObject => ({
  address,
  summary,
  messages: reference(messageKey),
});

const reference = (key: string): JsonObject => ({ [key]: { $ref: `#/components/messages/${key}` } });

const message = (name: string, summary: string, payload: JsonObject): JsonObject => ({ name, summary, payload });

const requestOperation = (key: string, replyKey: string, summary: string): JsonObject => ({
  action: 'receive',
  channel: { $ref: `#/channels/${key}` },
  summary,
  reply: { channel: { $ref: `#/channels/${replyKey}` } },
});

/** The envelope around data; its type and version are those of the contract. */
function envelopeOf(contract: { readonly name?: string; readonly version?: number }, data: JsonObject): JsonObject {
  const properties: JsonObject = { data };
  if (contract.name !== undefined) properties['type'] = { const: contract.name };
  if (contract.version !== undefined) properties['version'] = { const: contract.version };
  return { allOf: [{ $ref: '#/components/schemas/Envelope' }, { type: 'object', properties }] };
}

const replyOf = (response: z.ZodType, shapes: Shapes): JsonObject => ({
  oneOf: [
    { type: 'object', required: ['ok'], properties: { ok: shapes.take(response, 'output') } },
    { type: 'object', required: ['error'], properties: { error: shapes.take(errorShapeSchema, 'output') } },
  ],
});
