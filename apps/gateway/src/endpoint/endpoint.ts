import type { Route } from '@millrace/contracts';
import { Controller, Req, RequestMapping, RequestMethod, Res, SetMetadata, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answered, type RouteReply, type Serves } from './exchange.js';
import { requestReader } from './read-request.js';

const routeMetadata = 'millrace.route';

/** The route that a class or its handler serves. */
export const routeOf = (target: object): Route | undefined =>
  Reflect.getMetadata(routeMetadata, target) as Route | undefined;

/**
 * Binds a class to a route of the contracts: its path and method, the role that the guard asks for, its schemas, and
 * its answers. The class itself only has `handle`; Nest's guards and filters run around it as around any controller.
 */
export function Endpoint<R extends Route>(route: R) {
  return (target: Type<Serves<R>>): void => {
    const read = requestReader(route);
    const serve = async function (this: Serves<R>, request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const outcome = await this.handle(await read(request, reply));
      if (outcome !== answered) await send(reply, outcome);
    };
    const descriptor: PropertyDescriptor = { value: serve, configurable: true };
    const prototype = target.prototype as object;
    Object.defineProperty(prototype, 'serve', descriptor);
    Controller()(target);
    RequestMapping({ path: nestPathOf(route.path), method: RequestMethod[route.method] })(
      prototype,
      'serve',
      descriptor,
    );
    Req()(prototype, 'serve', 0);
    Res()(prototype, 'serve', 1);
    SetMetadata(routeMetadata, route)(target);
  };
}

/** The path as the router takes it: a verb after a parameter (`{id}:decide`) keeps its colon. */
export const nestPathOf = (path: string): string =>
  path.replaceAll(/\{(\w+)\}:(\w+)/g, ':$1([^:]+)::$2').replaceAll(/\{(\w+)\}/g, ':$1');

async function send<R extends Route>(reply: FastifyReply, { status, body, headers }: RouteReply<R>): Promise<void> {
  await reply
    .status(status)
    .headers(headers ?? {})
    .type('application/json; charset=utf-8')
    .send(body === undefined ? '' : JSON.stringify(body));
}
