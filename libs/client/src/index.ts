export type { CallOptions, ClientOptions } from './client-options.js';
export { MillraceClient, type FileToUpload, type GraphSource, type StartRunOptions } from './millrace-client.js';
export type { RunStreamItem, RunStreamOptions } from './run-stream.js';
