export type { ConnectionOptions } from './connection.js';
export { MillraceClient, type AcceptedDocument, type DocumentUpload, type StartRunOptions } from './millrace-client.js';
export type { StreamItem, StreamOptions } from './run-stream.js';
