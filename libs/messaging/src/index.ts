export * from './bus.js';
export type { BlobStore } from './claim-check/blob-store.js';
export { FolderBlobs } from './claim-check/folder-blobs.js';
export { createInProcessBus, type InProcessBusOptions } from './in-process/create-in-process-bus.js';
export { connectJetStream, type JetStreamBus, type JetStreamBusOptions } from './jetstream/connect-jetstream.js';
export type { BusProblem, ReportProblem } from './problem.js';
export type { StreamLimitOverrides } from './topology.js';
export { deadLetterHeaders } from './wire/headers.js';
