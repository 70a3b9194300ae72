/**
 * An HTTP route is a value, as a message contract is: the gateway serves exactly these, OpenAPI is generated from
 * them, and the client is typed by them. Schemas never transform: a query parameter's text becomes a number before
 * its schema sees it, because the schema says that it is one.
 */
import { z } from 'zod';
import type { Role } from '../gateway/commands.js';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Who may call: a role or one above it, or `public`, which must be said. Nothing is open by default. */
export type Access = Role | 'public';

/** A JSON value that the schema checks. */
interface JsonBody<Value> {
  readonly kind: 'json';
  readonly schema: z.ZodType<Value>;
  /** The largest body; as for every route where absent. */
  readonly maxBytes?: number;
}
/** Text that its owner parses, so that it can name lines and duplicate keys: a graph document in JSON or YAML. */
interface SourceBody {
  readonly kind: 'source';
  readonly mediaTypes: readonly string[];
}
/** Files: `multipart/form-data` with any number of them, or one as the raw body with its name in `?source=`. */
interface UploadBody {
  readonly kind: 'upload';
}
/** JSON whose media type says which of the schemas checks it; at least one that ends with `+json`. */
interface MediaBody {
  readonly kind: 'media';
  readonly schemas: Readonly<Record<string, z.ZodType>>;
}
export type RouteBody<Value = unknown> = JsonBody<Value> | SourceBody | UploadBody | MediaBody;

export interface RouteResponse<Value = unknown> {
  readonly description: string;
  /** Absent where there is no JSON body. */
  readonly schema?: z.ZodType<Value>;
  /** Of a body that is not JSON, where a schema stands beside it if the caller asks for it. */
  readonly mediaType?: string;
  /** Response headers by name, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
}

type Fields = z.ZodObject;
const nothing = z.strictObject({});
type Nothing = typeof nothing;
/** A request has many headers that no route cares about. */
const anyHeaders = z.object({});

export interface Route<
  Params extends Fields = Fields,
  Query extends Fields = Fields,
  Headers extends Fields = Fields,
  Body extends RouteBody | null = RouteBody | null,
  Responses extends Readonly<Record<number, RouteResponse>> = Readonly<Record<number, RouteResponse>>,
> {
  /** Stable name: the operation id of OpenAPI. */
  readonly name: string;
  readonly tag: string;
  readonly method: HttpMethod;
  /** With parameters in braces: `/v1/runs/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly role: Access;
  readonly params: Params;
  /** Strict: an unknown parameter is refused, so that a misspelt filter never lists everything. */
  readonly query: Query;
  /** Lower-case names. Other headers are allowed. */
  readonly headers: Headers;
  readonly body: Body;
  readonly responses: Responses;
}

export type ParamsOf<R extends Route> = z.output<R['params']>;
export type QueryOf<R extends Route> = z.output<R['query']>;
export type HeadersOf<R extends Route> = z.output<R['headers']>;
/** What a handler gets: the checked JSON, the text, or nothing where it reads an upload itself. */
export type BodyOf<R extends Route> = R['body'] extends { kind: 'json'; schema: infer Schema extends z.ZodType }
  ? z.output<Schema>
  : R['body'] extends { kind: 'media'; schemas: infer Schemas extends Readonly<Record<string, z.ZodType>> }
    ? z.output<Schemas[keyof Schemas]>
    : R['body'] extends { kind: 'source' }
      ? string
      : undefined;
/** What a caller sends as JSON, defaults left out. */
export type BodyInputOf<R extends Route> = R['body'] extends { kind: 'json'; schema: infer Schema extends z.ZodType }
  ? z.input<Schema>
  : never;
export type QueryInputOf<R extends Route> = z.input<R['query']>;
export type StatusOf<R extends Route> = Extract<keyof R['responses'], number>;
export type ResponseBodyOf<R extends Route, Status extends StatusOf<R> = StatusOf<R>> = R['responses'][Status] extends {
  schema: infer Schema extends z.ZodType;
}
  ? z.output<Schema>
  : undefined;

/** Declares a route; what is left out takes nothing. */
export function defineRoute<
  Responses extends Readonly<Record<number, RouteResponse>>,
  Params extends Fields = Nothing,
  Query extends Fields = Nothing,
  Headers extends Fields = Nothing,
  const Body extends RouteBody | null = null,
>(definition: {
  name: string;
  tag: string;
  method: HttpMethod;
  path: string;
  summary: string;
  role: Access;
  params?: Params;
  query?: Query;
  headers?: Headers;
  body?: Body;
  responses: Responses;
}): Route<Params, Query, Headers, Body, Responses> {
  return {
    ...definition,
    params: definition.params ?? (nothing as unknown as Params),
    query: definition.query ?? (nothing as unknown as Query),
    headers: definition.headers ?? (anyHeaders as unknown as Headers),
    body: definition.body ?? (null as Body),
  };
}
