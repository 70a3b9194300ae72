import {
  type ApiKey,
  type Approval,
  type BodyInputOf,
  type Collection,
  type CreatedApiKey,
  type GraphAlias,
  type NewCloudEvent,
  type QueryInputOf,
  type ResponseBodyOf,
  routes,
  type Run,
  type RunRecording,
  type Schedule,
  type UploadedDocument,
} from '@millrace/contracts';
import { type JsonValue, MillraceError, newId } from '@millrace/kernel';
import type { CallOptions, ClientOptions } from './client-options.js';
import { type EventQuery, type EventStreamItem, streamEvents } from './event-stream.js';
import { ModelsClient } from './models-client.js';
import { type FileToUpload, formOf, type GraphSource, rawUpload, sourceBody } from './request-bodies.js';
import type { ResumeOptions } from './resumed-stream.js';
import { type RunStreamItem, streamRun } from './run-stream.js';
import { ThreadsClient } from './threads-client.js';
import { Transport } from './transport.js';
import { WebhooksClient } from './webhooks-client.js';

export interface StartRunOptions extends CallOptions {
  /** Wait so many seconds (60 at most) for the run to end. */
  readonly waitSeconds?: number;
  /** Names this start, so that doing it again gives the same run. Made up where absent, so that lost answers are asked for again. */
  readonly idempotencyKey?: string;
}

type Reply<Name extends keyof typeof routes> = Promise<ResponseBodyOf<(typeof routes)[Name]>>;
type RunEventItem = ResponseBodyOf<typeof routes.listRunEvents>['items'][number];

/**
 * The HTTP API of Millrace, a method for each route. Every method throws MillraceError: with the server's code and
 * violations, or `server_unreachable`, `request_timeout`, `request_cancelled`.
 */
export class MillraceClient {
  private readonly transport: Transport;
  /** What threads remember, and which run is under way in them. */
  readonly threads: ThreadsClient;
  /** Providers of models, routes over them, prices, budgets and usage. */
  readonly models: ModelsClient;
  /** Where events are sent to. */
  readonly webhooks: WebhooksClient;

  constructor(options: ClientOptions) {
    this.transport = new Transport(options);
    this.threads = new ThreadsClient(this.transport);
    this.models = new ModelsClient(this.transport);
    this.webhooks = new WebhooksClient(this.transport);
  }

  async startRun(body: BodyInputOf<typeof routes.startRun>, options: StartRunOptions = {}): Promise<Run> {
    const { waitSeconds, idempotencyKey = newId('start'), timeoutMs = 30_000, signal } = options;
    const { body: run } = await this.transport.call(routes.startRun, {
      body,
      headers: {
        'idempotency-key': idempotencyKey,
        prefer: waitSeconds === undefined ? undefined : `wait=${waitSeconds}`,
      },
      isRepeatable: true,
      signal,
      timeoutMs: timeoutMs + (waitSeconds ?? 0) * 1000,
    });
    return run;
  }

  async getRun(id: string, options: CallOptions = {}): Promise<Run> {
    return (await this.transport.call(routes.getRun, { params: { id }, ...options })).body;
  }

  async listRuns(
    query: QueryInputOf<typeof routes.listRuns> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listRuns>> {
    return (await this.transport.call(routes.listRuns, { query, ...options })).body;
  }

  async listRunEvents(
    id: string,
    query: QueryInputOf<typeof routes.listRunEvents> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listRunEvents>> {
    return (await this.transport.call(routes.listRunEvents, { params: { id }, query, ...options })).body;
  }

  /** A run's graph and the hash of its state, with the events that it covers. */
  async recordRun(id: string, options: CallOptions = {}): Promise<RunRecording & { readonly events: RunEventItem[] }> {
    const { body: recording } = await this.transport.call(routes.recordRun, { params: { id }, ...options });
    const events: RunEventItem[] = [];
    while (events.length < recording.position) {
      const limit = Math.min(1_000, recording.position - events.length);
      const { items } = await this.listRunEvents(id, { after: events.length, limit }, options);
      if (items.length === 0)
        throw new MillraceError('internal', 'invalid_reply', 'The server gave no further events.');
      events.push(...items);
    }
    return { ...recording, events };
  }

  /** Run events and tokens until the run has ended, over as many connections as it takes. */
  streamRun(id: string, options: ResumeOptions = {}): AsyncGenerator<RunStreamItem, void, undefined> {
    return streamRun(this.transport, id, options);
  }

  async cancelRun(id: string, reason?: string, options: CallOptions = {}): Promise<Run> {
    const call = { params: { id }, body: { reason }, isRepeatable: true, ...options };
    return (await this.transport.call(routes.cancelRun, call)).body;
  }

  /** What runs goes on, and nothing begins until the run is resumed. */
  async pauseRun(id: string, reason?: string, options: CallOptions = {}): Promise<Run> {
    const call = { params: { id }, body: { reason }, isRepeatable: true, ...options };
    return (await this.transport.call(routes.pauseRun, call)).body;
  }

  async resumeRun(id: string, options: CallOptions = {}): Promise<Run> {
    return (await this.transport.call(routes.resumeRun, { params: { id }, body: {}, isRepeatable: true, ...options }))
      .body;
  }

  /**
   * Lets a run that has ended go on from a node, or from whatever did not end well. `idempotencyKey` names the retry, so that
   * sending it again changes nothing. Made up where absent.
   */
  async retryRun(
    id: string,
    from?: string,
    { idempotencyKey = newId('retry'), ...options }: CallOptions & { readonly idempotencyKey?: string } = {},
  ): Promise<Run> {
    const headers = { 'idempotency-key': idempotencyKey };
    const call = { params: { id }, query: { from }, body: {}, headers, isRepeatable: true, ...options };
    return (await this.transport.call(routes.retryRun, call)).body;
  }

  /** Removes a run that has ended, and gives it as it was. */
  async deleteRun(id: string, options: CallOptions = {}): Promise<Run> {
    return (await this.transport.call(routes.deleteRun, { params: { id }, ...options })).body;
  }

  /** Moves a run that goes on to another version of its graph; one that is on it already stays as it is. */
  async migrateRun(id: string, version: number, options: CallOptions = {}): Promise<Run> {
    const call = { params: { id }, body: { version }, isRepeatable: true, ...options };
    return (await this.transport.call(routes.migrateRun, call)).body;
  }

  /** Starts a new run at a node of another one. `idempotencyKey` names it; made up where absent. */
  async forkRun(
    id: string,
    body: BodyInputOf<typeof routes.forkRun>,
    { idempotencyKey = newId('fork'), ...options }: CallOptions & { readonly idempotencyKey?: string } = {},
  ): Promise<Run> {
    const headers = { 'idempotency-key': idempotencyKey };
    const call = { params: { id }, body, headers, isRepeatable: true, ...options };
    return (await this.transport.call(routes.forkRun, call)).body;
  }

  /** `idempotencyKey` names the signal, so that sending it again changes nothing. Made up where absent. */
  async signalRun(
    id: string,
    name: string,
    data: JsonValue = null,
    { idempotencyKey = newId('signal'), ...options }: CallOptions & { readonly idempotencyKey?: string } = {},
  ): Promise<Run> {
    const headers = { 'idempotency-key': idempotencyKey };
    const call = { params: { id, name }, body: { data }, headers, isRepeatable: true, ...options };
    return (await this.transport.call(routes.signalRun, call)).body;
  }

  async listApprovals(
    query: QueryInputOf<typeof routes.listApprovals> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listApprovals>> {
    return (await this.transport.call(routes.listApprovals, { query, ...options })).body;
  }

  async getApproval(id: string, options: CallOptions = {}): Promise<Approval> {
    return (await this.transport.call(routes.getApproval, { params: { id }, ...options })).body;
  }

  /** Approves or rejects; the same decision again changes nothing. */
  async decideApproval(
    id: string,
    body: BodyInputOf<typeof routes.decideApproval>,
    options: CallOptions = {},
  ): Promise<Approval> {
    return (await this.transport.call(routes.decideApproval, { params: { id }, body, isRepeatable: true, ...options }))
      .body;
  }

  /** Not sent again by itself: a schedule would be there twice. */
  async createSchedule(body: BodyInputOf<typeof routes.createSchedule>, options: CallOptions = {}): Promise<Schedule> {
    return (await this.transport.call(routes.createSchedule, { body, ...options })).body;
  }

  async listSchedules(
    query: QueryInputOf<typeof routes.listSchedules> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listSchedules>> {
    return (await this.transport.call(routes.listSchedules, { query, ...options })).body;
  }

  async getSchedule(id: string, options: CallOptions = {}): Promise<Schedule> {
    return (await this.transport.call(routes.getSchedule, { params: { id }, ...options })).body;
  }

  async updateSchedule(
    id: string,
    body: BodyInputOf<typeof routes.updateSchedule>,
    options: CallOptions = {},
  ): Promise<Schedule> {
    return (await this.transport.call(routes.updateSchedule, { params: { id }, body, isRepeatable: true, ...options }))
      .body;
  }

  async deleteSchedule(id: string, options: CallOptions = {}): Promise<void> {
    await this.transport.call(routes.deleteSchedule, { params: { id }, ...options });
  }

  /** Stores events in their order; the same `id` and `source` again is the same event. */
  async publishEvents(
    events: readonly NewCloudEvent[],
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.publishEvents>> {
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    const call = { rawBody: JSON.stringify(events), headers, isRepeatable: true, ...options };
    return (await this.transport.call(routes.publishEvents, call)).body;
  }

  /** A page of events, oldest first; with `wait` it may take so many seconds for the first. */
  async listEvents(
    query: QueryInputOf<typeof routes.listEvents> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listEvents>> {
    const { timeoutMs = 30_000 } = options;
    const call = { query, ...options, timeoutMs: timeoutMs + (query.wait ?? 0) * 1000 };
    return (await this.transport.call(routes.listEvents, call)).body;
  }

  /** Events as they come, until the signal aborts, over as many connections as it takes. */
  streamEvents(query: EventQuery = {}, options: ResumeOptions = {}): AsyncGenerator<EventStreamItem, void, undefined> {
    return streamEvents(this.transport, query, options);
  }

  async publishGraph(
    source: GraphSource,
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.publishGraph>> {
    const call = { ...sourceBody(source), isRepeatable: true, ...options };
    return (await this.transport.call(routes.publishGraph, call)).body;
  }

  async validateGraph(
    source: GraphSource,
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.validateGraph>> {
    const call = { ...sourceBody(source), isRepeatable: true, ...options };
    return (await this.transport.call(routes.validateGraph, call)).body;
  }

  async listGraphs(
    query: QueryInputOf<typeof routes.listGraphs> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listGraphs>> {
    return (await this.transport.call(routes.listGraphs, { query, ...options })).body;
  }

  /** The newest version unless said otherwise. */
  async getGraph(
    name: string,
    version?: number,
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.getGraph>> {
    return (await this.transport.call(routes.getGraph, { params: { name }, query: { version }, ...options })).body;
  }

  /** Makes an alias mean a version of a graph from now on. */
  async setGraphAlias(
    name: string,
    alias: string,
    body: BodyInputOf<typeof routes.setGraphAlias>,
    options: CallOptions = {},
  ): Promise<GraphAlias> {
    const call = { params: { name, alias }, body, isRepeatable: true, ...options };
    return (await this.transport.call(routes.setGraphAlias, call)).body;
  }

  async listGraphAliases(name: string, options: CallOptions = {}): Reply<'listGraphAliases'> {
    return (await this.transport.call(routes.listGraphAliases, { params: { name }, ...options })).body;
  }

  async deleteGraphAlias(name: string, alias: string, options: CallOptions = {}): Promise<void> {
    await this.transport.call(routes.deleteGraphAlias, { params: { name, alias }, ...options });
  }

  async createCollection(
    body: BodyInputOf<typeof routes.createCollection>,
    options: CallOptions = {},
  ): Promise<Collection> {
    return (await this.transport.call(routes.createCollection, { body, isRepeatable: true, ...options })).body;
  }

  async listCollections(
    query: QueryInputOf<typeof routes.listCollections> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listCollections>> {
    return (await this.transport.call(routes.listCollections, { query, ...options })).body;
  }

  /** Adds or replaces documents. What became of each file is in the answer; a single refused file throws. */
  async uploadDocuments(
    collection: string,
    files: readonly FileToUpload[],
    options: CallOptions = {},
  ): Promise<readonly UploadedDocument[]> {
    const common = { params: { name: collection }, isRepeatable: true, timeoutMs: 300_000, ...options };
    const [file, ...more] = files;
    const call = file && more.length === 0 ? { ...common, ...rawUpload(file) } : { ...common, rawBody: formOf(files) };
    return (await this.transport.call(routes.uploadDocuments, call)).body.items;
  }

  async listDocuments(
    collection: string,
    query: QueryInputOf<typeof routes.listDocuments> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listDocuments>> {
    return (await this.transport.call(routes.listDocuments, { params: { name: collection }, query, ...options })).body;
  }

  async searchCollection(
    collection: string,
    body: BodyInputOf<typeof routes.searchCollection>,
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.searchCollection>> {
    const call = { params: { name: collection }, body, isRepeatable: true, ...options };
    return (await this.transport.call(routes.searchCollection, call)).body;
  }

  /** The key itself is in `secret`, for the only time. */
  async createKey(body: BodyInputOf<typeof routes.createKey>, options: CallOptions = {}): Promise<CreatedApiKey> {
    return (await this.transport.call(routes.createKey, { body, ...options })).body;
  }

  async listKeys(
    query: QueryInputOf<typeof routes.listKeys> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listKeys>> {
    return (await this.transport.call(routes.listKeys, { query, ...options })).body;
  }

  async revokeKey(id: string, options: CallOptions = {}): Promise<ApiKey> {
    return (await this.transport.call(routes.revokeKey, { params: { id }, isRepeatable: true, ...options })).body;
  }

  /** Whether the server can serve requests. @throws MillraceError when it cannot, or cannot be reached. */
  async readiness(options: CallOptions = {}): Promise<ResponseBodyOf<typeof routes.readiness>> {
    return (await this.transport.call(routes.readiness, options)).body;
  }
}
