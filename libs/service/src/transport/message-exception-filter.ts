import { MillraceError, toMillraceError, type ErrorKind } from '@millrace/kernel';
import { Catch, HttpException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { RpcException } from '@nestjs/microservices';
import { throwError } from 'rxjs';

const kindOfStatus: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  413: 'too-large',
  415: 'unsupported',
  422: 'mismatch',
  429: 'overloaded',
  503: 'unavailable',
  504: 'timeout',
};

/**
 * The last filter of every message: errors leave as MillraceErrors, where Nest's own would hide them behind one text.
 * Filters of a service come before it. HTTP requests go to Nest's own filter.
 */
@Catch()
export class MessageExceptionFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'rpc') return super.catch(exception, host);
    // Nest takes an observable from a filter of messages, which the base class does not know.
    return throwError(() => messageErrorOf(exception)) as unknown as void;
  }
}

/** What guards, pipes and interceptors throw, also those that were written for HTTP, as a MillraceError. */
function messageErrorOf(exception: unknown): MillraceError {
  if (exception instanceof HttpException) {
    const kind = kindOfStatus[exception.getStatus()];
    if (kind !== undefined) return new MillraceError(kind, codeOf(kind), exception.message, { cause: exception });
  }
  // A guard that says no throws an RpcException with a text.
  if (exception instanceof RpcException) {
    const error = exception.getError();
    if (error instanceof MillraceError) return error;
    if (error === 'Forbidden resource') return new MillraceError('forbidden', 'forbidden', 'This is not allowed.');
  }
  return toMillraceError(exception);
}

const codeOf = (kind: ErrorKind): string => kind.replaceAll('-', '_');
