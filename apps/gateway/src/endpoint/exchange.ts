import type {
  BodyOf,
  HeadersOf,
  MessageContext,
  ParamsOf,
  QueryOf,
  ResponseBodyOf,
  Route,
  StatusOf,
} from '@millrace/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; null on public routes. */
    caller: Caller | null;
    /** Counts the request out of those in flight, for an answer that takes long and is counted elsewhere. */
    leaveInFlight: (() => void) | null;
  }
}

/** A request as the handler of its route gets it: every part is checked by the route's schemas. */
export interface RouteRequest<R extends Route> {
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly headers: HeadersOf<R>;
  readonly body: BodyOf<R>;
  /** What the commands that this request causes inherit. */
  readonly context: MessageContext;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  readonly http: { readonly request: FastifyRequest; readonly reply: FastifyReply };
}

/** One of the answers that the route declares. */
export type RouteReply<R extends Route> = {
  [Status in StatusOf<R>]: {
    readonly status: Status;
    readonly body: ResponseBodyOf<R, Status>;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[StatusOf<R>];

/** What a handler gives that has answered by itself, as a stream does. */
export const answered = Symbol('answered');

/** A handler of one route. */
export interface Serves<R extends Route> {
  handle(request: RouteRequest<R>): Promise<RouteReply<R> | typeof answered>;
}
