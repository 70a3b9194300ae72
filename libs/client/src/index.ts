export type { CallOptions, ClientOptions } from './client-options.js';
export { MillraceClient, type StartRunOptions } from './millrace-client.js';
export type { FileToUpload, GraphSource } from './request-bodies.js';
export type { EventQuery, EventStreamItem } from './event-stream.js';
export type { ResumeOptions } from './resumed-stream.js';
export type { RunStreamItem } from './run-stream.js';
