/** What holds for every HTTP request before and after its route: limits, headers, and bodies left unread. */
import { problemMediaType } from '@millrace/contracts';
import { MillraceError, newId } from '@millrace/kernel';
import { HttpAdapterHost } from '@nestjs/core';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { overloadRefusals } from '@millrace/telemetry';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { GatewayConfig } from './config.js';
import { speaksOpenAi } from './openai/openai-error.js';
import { problemOf, refusalOf } from './problem/problem-of.js';

/** Answers are data for programs: nothing in them may be sniffed, framed, run or kept. No origin is let in. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Prepares Fastify before Nest binds the routes. */
export async function configureHttp(application: NestFastifyApplication, config: GatewayConfig): Promise<void> {
  const fastify = application.getHttpAdapter().getInstance();
  fastify.decorateRequest('caller', null);
  fastify.decorateRequest('leaveInFlight', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(securityHeaders);
    // Its clients say it when they tell of a problem.
    if (speaksOpenAi(request.url)) void reply.header('x-request-id', request.id);
    done();
  });
  boundInFlight(fastify, config.maxInFlight);
  await fastify.register(multipart, { throwFileSizeLimit: false });
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.server.removeAllListeners('clientError').on('clientError', answerClientError);
}

/** Answers an address that no route was looked up for, because it is malformed or too long. */
export function refuseAddress(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const { problem, headers } = problemOf(refusalOf(error), request.id);
  void reply
    .status(problem.status)
    .headers({ ...securityHeaders, ...headers })
    .type(problemMediaType)
    .send(JSON.stringify(problem));
}

/**
 * Bodies reach their route unread, so that a request is refused for its key, its role or its size before its body
 * is read, and a document keeps its text. Nest adds parsers of its own as it starts; they go again here.
 */
@Injectable()
export class UnreadBodies implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    const parsed = ['application/json', 'application/x-www-form-urlencoded', 'text/plain'];
    fastify.removeContentTypeParser(parsed.filter((type) => fastify.hasContentTypeParser(type)));
  }
}

/** Probes must be answered above all when the server is full. */
const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

function boundInFlight(fastify: FastifyInstance, maxInFlight: number): void {
  const refusals = overloadRefusals.at({ 'millrace.queue': 'http' });
  let inFlight = 0;
  fastify.addHook('onRequest', (request, reply, done) => {
    if (probes.has(request.url)) return done();
    if (inFlight >= maxInFlight) {
      refusals.add(1);
      return done(
        new MillraceError('unavailable', 'server_busy', 'This server is busy. Try again.', { retryAfterSeconds: 1 }),
      );
    }
    inFlight += 1;
    request.leaveInFlight = once(() => {
      inFlight -= 1;
    });
    reply.raw.once('close', request.leaveInFlight);
    done();
  });
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

/** Requests that Node cannot read (bytes that are not HTTP, headers too large or too slow) get problem details too. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const statusCode = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const { problem } = problemOf(refusalOf({ statusCode }), newId('req'));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `content-type: ${problemMediaType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
