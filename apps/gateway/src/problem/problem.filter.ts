import { problemMediaType } from '@millrace/contracts';
import { type MillraceError, toMillraceError } from '@millrace/kernel';
import { LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Observable, throwError } from 'rxjs';
import { openAiErrorOf, speaksOpenAi } from '../openai/openai-error.js';
import { unknownRoute } from './not-found.js';
import { problemOf, refusalOf } from './problem-of.js';

/** Turns whatever a request ended with into problem details, and logs what is our own fault. Messages pass it by. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): Promise<void> | Observable<never> {
    if (host.getType() !== 'http') return throwError(() => toMillraceError(thrown));
    const http = host.switchToHttp();
    return this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  private async answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const path = request.url.split('?', 1)[0] ?? '';
    const error = this.errorOf(thrown, path, reply);
    this.log(error, thrown, request);
    // The answer has begun, or the caller has gone: all that is left is to end the connection.
    if (reply.sent || reply.raw.headersSent) return void reply.raw.destroy();
    if (speaksOpenAi(path)) return await this.answerAsOpenAi(error, reply);
    const { problem, headers } = problemOf(error, request.id, path);
    await reply.status(problem.status).headers(headers).type(problemMediaType).send(JSON.stringify(problem));
  }

  private async answerAsOpenAi(error: MillraceError, reply: FastifyReply): Promise<void> {
    const { status, body, headers } = openAiErrorOf(error);
    await reply.status(status).headers(headers).type('application/json; charset=utf-8').send(JSON.stringify(body));
  }

  /** Nest's own NotFoundException says that no route took the request: our code never throws it. */
  private errorOf(thrown: unknown, path: string, reply: FastifyReply): MillraceError {
    if (!(thrown instanceof NotFoundException)) return refusalOf(thrown);
    const { error, allowed } = unknownRoute(path);
    if (allowed.length > 0) void reply.header('allow', allowed.join(', '));
    return error;
  }

  private log(error: MillraceError, thrown: unknown, request: FastifyRequest): void {
    if (error.kind !== 'internal') return;
    this.logger.error({ err: thrown, method: request.method, route: request.routeOptions.url }, 'request failed');
  }
}
