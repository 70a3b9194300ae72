import {
  type BodyInputOf,
  type GraphReference,
  type QueryInputOf,
  type ResponseBodyOf,
  type Route,
  routes,
  type Run,
  type StatusOf,
  type UploadedDocument,
} from '@millrace/contracts';
import { type JsonObject, MillraceError } from '@millrace/kernel';
import { Connection, type Call, type ConnectionOptions } from './connection.js';
import { streamRun, type StreamItem, type StreamOptions } from './run-stream.js';

interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface StartRunOptions extends CallOptions {
  /** The same key and body give the same run. */
  readonly idempotencyKey?: string;
  /** Waits up to so many seconds (60 at most) for the end. */
  readonly waitSeconds?: number;
}

export interface DocumentUpload {
  /** The document's name in the collection, e.g. its path. */
  readonly source: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

export type AcceptedDocument = UploadedDocument & { readonly document: NonNullable<UploadedDocument['document']> };

const json = { 'content-type': 'application/json' };

/**
 * The HTTP interface of Millrace, typed by the same contracts as the gateway. Answers are checked against them.
 * Every method throws MillraceError: as the server said it, or `server_unreachable`, `request_timeout`, `cancelled`, `unexpected_response`.
 */
export class MillraceClient {
  private readonly connection: Connection;

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options);
  }

  startRun(
    { graph, input }: { readonly graph: GraphReference; readonly input: JsonObject },
    { idempotencyKey, waitSeconds, signal }: StartRunOptions = {},
  ): Promise<Run> {
    const headers = {
      ...json,
      'idempotency-key': idempotencyKey,
      prefer: waitSeconds === undefined ? undefined : `wait=${waitSeconds}`,
    };
    return this.call(routes.startRun, 202, { headers, body: JSON.stringify({ graph, input }), signal });
  }

  getRun(id: string, { signal }: CallOptions = {}): Promise<Run> {
    return this.call(routes.getRun, 200, { params: { id }, signal });
  }

  listRuns(query: QueryInputOf<typeof routes.listRuns> = {}, { signal }: CallOptions = {}) {
    return this.call(routes.listRuns, 200, { query, signal });
  }

  listRunEvents(id: string, query: QueryInputOf<typeof routes.listRunEvents> = {}, { signal }: CallOptions = {}) {
    return this.call(routes.listRunEvents, 200, { params: { id }, query, signal });
  }

  cancelRun(id: string, body: BodyInputOf<typeof routes.cancelRun> = {}, { signal }: CallOptions = {}): Promise<Run> {
    return this.call(routes.cancelRun, 200, { params: { id }, headers: json, body: JSON.stringify(body), signal });
  }

  /** The run's events and tokens as they happen, to the end; taken up again by itself when the connection breaks. */
  streamRun(id: string, options: StreamOptions = {}): AsyncGenerator<StreamItem, void, undefined> {
    return streamRun(this.connection, id, options);
  }

  /** `source` is the document's text, YAML or JSON. */
  publishGraph(source: string, { signal }: CallOptions = {}) {
    return this.call(routes.publishGraph, 201, {
      headers: { 'content-type': 'application/yaml' },
      body: source,
      signal,
    });
  }

  validateGraph(source: string, { signal }: CallOptions = {}) {
    return this.call(routes.validateGraph, 200, {
      headers: { 'content-type': 'application/yaml' },
      body: source,
      signal,
    });
  }

  getGraph(name: string, query: QueryInputOf<typeof routes.getGraph> = {}, { signal }: CallOptions = {}) {
    return this.call(routes.getGraph, 200, { params: { name }, query, signal });
  }

  listGraphs(query: QueryInputOf<typeof routes.listGraphs> = {}, { signal }: CallOptions = {}) {
    return this.call(routes.listGraphs, 200, { query, signal });
  }

  createCollection(body: BodyInputOf<typeof routes.createCollection>, { signal }: CallOptions = {}) {
    return this.call(routes.createCollection, 200, { headers: json, body: JSON.stringify(body), signal });
  }

  listCollections(query: QueryInputOf<typeof routes.listCollections> = {}, { signal }: CallOptions = {}) {
    return this.call(routes.listCollections, 200, { query, signal });
  }

  listDocuments(
    collection: string,
    query: QueryInputOf<typeof routes.listDocuments> = {},
    { signal }: CallOptions = {},
  ) {
    return this.call(routes.listDocuments, 200, { params: { name: collection }, query, signal });
  }

  /** Adds one document; a file that is refused throws its problem. */
  async uploadDocument(
    collection: string,
    { source, content }: DocumentUpload,
    { signal }: CallOptions = {},
  ): Promise<AcceptedDocument> {
    const { items } = await this.call(routes.uploadDocuments, 200, {
      params: { name: collection },
      query: { source },
      headers: { 'content-type': 'application/octet-stream' },
      body: content,
      signal,
    });
    const item = items[0];
    if (item === undefined || item.document === null) {
      const message = item?.error?.message ?? 'The server says nothing about the document.';
      throw new MillraceError('invalid', item?.error?.code ?? 'unexpected_response', message);
    }
    return { ...item, document: item.document };
  }

  searchCollection(
    collection: string,
    body: BodyInputOf<typeof routes.searchCollection>,
    { signal }: CallOptions = {},
  ) {
    return this.call(routes.searchCollection, 200, {
      params: { name: collection },
      headers: json,
      body: JSON.stringify(body),
      signal,
    });
  }

  createKey(body: BodyInputOf<typeof routes.createKey>, { signal }: CallOptions = {}) {
    return this.call(routes.createKey, 201, { headers: json, body: JSON.stringify(body), signal });
  }

  listKeys(query: QueryInputOf<typeof routes.listKeys> = {}, { signal }: CallOptions = {}) {
    return this.call(routes.listKeys, 200, { query, signal });
  }

  revokeKey(id: string, { signal }: CallOptions = {}) {
    return this.call(routes.revokeKey, 200, { params: { id }, signal });
  }

  /** `status` names the response whose schema the body has; other successes of the route have the same. */
  private async call<R extends Route, Status extends StatusOf<R>>(
    route: R,
    status: Status,
    call: Omit<Call, 'method' | 'path'>,
  ): Promise<ResponseBodyOf<R, Status>> {
    const response = await this.connection.send({ method: route.method, path: route.path, ...call });
    const body: unknown = await response.json().catch(() => undefined);
    const parsed = route.responses[status]?.schema?.safeParse(body);
    if (parsed?.success) return parsed.data as ResponseBodyOf<R, Status>;
    throw new MillraceError('internal', 'unexpected_response', `The answer of ${route.name} is not what it promises.`, {
      cause: parsed?.error,
    });
  }
}
