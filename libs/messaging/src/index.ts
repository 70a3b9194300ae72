export {
  inboxPrefixOf,
  operatorPermissions,
  permissionsOf,
  subscriberPermissions,
  type NatsPermissions,
} from './access/nats-permissions.js';
export { renderUsers, type NatsUser } from './access/nats-users.js';
export { serviceAccess, type BusAccess, type ServiceName } from './access/service-access.js';
export * from './bus.js';
export type { BlobStore } from './claim-check/blob-store.js';
export { FolderBlobs } from './claim-check/folder-blobs.js';
export { createInProcessBus, type InProcessBusOptions } from './in-process/create-in-process-bus.js';
export { connectJetStream, type JetStreamBus, type JetStreamBusOptions } from './jetstream/connect-jetstream.js';
export { handleOnce, pruneInbox, type HandledOnce } from './inbox/handle-once.js';
export { inboxMigration } from './inbox/inbox.migration.js';
export { OutboxRelay, type OutboxRelayOptions } from './outbox/outbox-relay.js';
export { outboxMigration } from './outbox/outbox.migration.js';
export { writeOutbox, type WriteOutboxOptions } from './outbox/write-outbox.js';
export type { BusProblem, ReportProblem } from './problem.js';
export type { StreamLimitOverrides } from './topology.js';
export { deadLetterHeaders } from './wire/headers.js';
