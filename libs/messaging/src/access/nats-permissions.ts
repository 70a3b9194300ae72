/** What a user of NATS must be allowed so that a service can do what it does, subject by subject; all else is denied. */
import { customWorkerSubject, deadLetterSubject, taskConsumerName, tenantIdSchema } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { blobStorage, topology } from '../topology.js';
import type { BusAccess } from './service-access.js';

export interface NatsPermissions {
  readonly publish: { readonly allow: readonly string[]; readonly deny?: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[]; readonly deny?: readonly string[] };
  /** Lets it answer a request on the reply subject that came with it. */
  readonly allow_responses?: { readonly max: number; readonly expires: string };
}

/** Where replies to a connection of this name come in. */
export const inboxPrefixOf = (name: string): string => `_INBOX_${name.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;

const api = (action: string, ...rest: readonly string[]): string => ['$JS.API', action, ...rest].join('.');

/** The permissions of a service that connects under `name`. */
export function permissionsOf(name: string, access: BusAccess): NatsPermissions {
  const { asks = [], never = [], answers = [], publishes = [], hears = [] } = access;
  return {
    publish: {
      allow: [
        ...asks,
        ...publishes,
        ...declaring(access),
        ...inspecting(access),
        ...blobs(),
        ...following(access),
        ...working(access),
        ...opening(access),
      ],
      ...(never.length > 0 && { deny: never }),
    },
    subscribe: { allow: [`${inboxPrefixOf(name)}.>`, ...answers, ...hears] },
    ...(answers.length > 0 && { allow_responses: { max: 1, expires: '5m' } }),
  };
}

/**
 * A user who sees one tenant's events as they happen, and nothing else. There is no access to the stream itself: who may
 * make consumers may have them deliver to any subject. What was missed is read over HTTP.
 * @throws MillraceError `invalid_tenant`
 */
export function subscriberPermissions(tenantId: string): NatsPermissions {
  if (!tenantIdSchema.safeParse(tenantId).success) {
    throw invalidInput('invalid_tenant', `"${tenantId.slice(0, 100)}" is not the id of a tenant.`);
  }
  return { publish: { allow: [], deny: ['>'] }, subscribe: { allow: [`evt.${tenantId}.>`] } };
}

/** For operators: tools that start, watch and repair an installation. */
export const operatorPermissions: NatsPermissions = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } };

/** Streams are made by whoever comes first, also again after a wiped store; changed by one service only. */
function declaring({ updatesStreams = false }: BusAccess): string[] {
  const actions = ['STREAM.INFO', 'STREAM.CREATE', ...(updatesStreams ? ['STREAM.UPDATE'] : [])];
  return ['$JS.API.INFO', ...topology.flatMap(({ name }) => actions.map((action) => api(action, name)))];
}

/** How far consumers are, those of other services too: counts and names, no message. */
function inspecting({ inspectsConsumers = false }: BusAccess): string[] {
  return inspectsConsumers ? topology.map(({ name }) => api('CONSUMER.LIST', name)) : [];
}

/** Large payloads in the object store: named by their hash, one bucket for all services. */
function blobs(): string[] {
  const stream = `OBJ_${blobStorage.bucket}`;
  return [
    ...['STREAM.INFO', 'STREAM.CREATE', 'STREAM.PURGE', 'STREAM.MSG.GET', 'DIRECT.GET'].map((action) =>
      api(action, stream),
    ),
    ...['DIRECT.GET', 'CONSUMER.CREATE', 'CONSUMER.INFO', 'CONSUMER.DELETE', 'CONSUMER.MSG.NEXT'].map((action) =>
      api(action, stream, '>'),
    ),
    `$O.${blobStorage.bucket}.>`,
    ...acknowledging(stream, '>'),
    `$JS.FC.${stream}.>`,
  ];
}

function following({ follows = [] }: BusAccess): string[] {
  const actions = ['CONSUMER.CREATE', 'CONSUMER.INFO', 'CONSUMER.DELETE', 'CONSUMER.MSG.NEXT'];
  return follows.flatMap((stream) => actions.map((action) => api(action, stream, '>')));
}

/** One consumer per kind of task, bound to its subject: making it with another filter would take another's tasks. */
function working({ worksOn = [] }: BusAccess): string[] {
  return worksOn.flatMap((contract) => {
    const name = taskConsumerName(contract);
    return [
      api('CONSUMER.INFO', 'TASKS', name),
      api('CONSUMER.CREATE', 'TASKS', name, contract.subject),
      api('CONSUMER.MSG.NEXT', 'TASKS', name),
      ...acknowledging('TASKS', `${name}.>`),
      deadLetterSubject(contract.subject),
    ];
  });
}

/** Consumers of programs of tenants, each bound to the subject of one. */
function opening({ opensCustomWorkers = false }: BusAccess): string[] {
  if (!opensCustomWorkers) return [];
  const tasks = customWorkerSubject({ tenantId: '*', worker: '*' });
  return [api('CONSUMER.INFO', 'TASKS', '*'), api('CONSUMER.CREATE', 'TASKS', '*', tasks)];
}

/** Newer servers put domain and account before the stream. */
const acknowledging = (stream: string, rest: string): string[] => [
  `$JS.ACK.${stream}.${rest}`,
  `$JS.ACK.*.*.${stream}.${rest}`,
];
