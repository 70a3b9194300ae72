import { type Route, type RouteBody, violationsOf } from '@millrace/contracts';
import { invalidInput, MillraceError } from '@millrace/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { readText } from './body-stream.js';
import type { RouteRequest } from './exchange.js';
import { parseJsonBody } from './json-body.js';
import { mistakesIn, type RequestPart, wordsForWrongType } from './mistakes.js';
import { textFieldReader } from './text-fields.js';

/** For every body that is no upload. */
const bodyLimits = { maxBytes: 1024 * 1024, timeoutMs: 30_000 };

/** Public routes act for nobody: no command may be sent from them. */
const nobody = '';

/**
 * Prepares the reading of a route's requests. Every part is checked before the handler sees it; the first part with
 * mistakes refuses the request with all of that part's mistakes.
 */
export function requestReader(
  route: Route,
): (request: FastifyRequest, reply: FastifyReply) => Promise<RouteRequest<Route>> {
  const paramsOf = textFieldReader(route.params);
  const queryOf = textFieldReader(route.query);
  return async (request, reply) => {
    const tenantId = request.caller?.tenantId ?? nobody;
    return {
      params: check(route.params, paramsOf(request.params as Record<string, unknown>), 'path'),
      query: check(route.query, queryOf(request.query as Record<string, unknown>), 'query'),
      headers: check(route.headers, request.headers, 'headers'),
      body: await readBodyOf(route.body, request),
      context: { tenantId, correlationId: request.id, causationId: null },
      signal: goneSignal(reply),
      http: { request, reply },
    } as RouteRequest<Route>;
  };
}

function check(schema: z.ZodType, value: unknown, part: RequestPart): unknown {
  const parsed = schema.safeParse(value, { error: wordsForWrongType });
  if (parsed.success) return parsed.data;
  throw mistakesIn(part, violationsOf(parsed.error));
}

async function readBodyOf(body: RouteBody | null, request: FastifyRequest): Promise<unknown> {
  if (body === null || body.kind === 'upload') return undefined;
  const mediaType = mediaTypeOf(request);
  if (body.kind === 'media' && !Object.hasOwn(body.schemas, mediaType)) {
    throw unsupported(mediaType, Object.keys(body.schemas));
  }
  const limits =
    body.kind === 'json' && body.maxBytes !== undefined ? { ...bodyLimits, maxBytes: body.maxBytes } : bodyLimits;
  const text = request.body instanceof Readable ? await readText(request.body, limits) : '';
  switch (body.kind) {
    case 'json':
      if (text !== '' && !isJson(mediaType)) throw unsupported(mediaType, ['application/json']);
      return check(body.schema, text === '' ? undefined : parseJsonBody(text), 'body');
    case 'media':
      if (text === '') throw invalidInput('empty_body', 'The body is empty. Send JSON.');
      return check(body.schemas[mediaType] ?? z.never(), parseJsonBody(text), 'body');
    case 'source':
      if (text === '') throw invalidInput('empty_body', 'The body is empty. Send the document as JSON or YAML.');
      if (!body.mediaTypes.includes(mediaType)) throw unsupported(mediaType, body.mediaTypes);
      return text;
  }
}

const mediaTypeOf = (request: FastifyRequest): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

const isJson = (mediaType: string): boolean => mediaType === 'application/json' || mediaType.endsWith('+json');

function unsupported(mediaType: string, supported: readonly string[]): MillraceError {
  const given = mediaType === '' ? 'The body has no media type' : `This route does not take ${mediaType}`;
  return new MillraceError('unsupported', 'unsupported_media_type', `${given}. Send ${supported.join(', ')}.`);
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
