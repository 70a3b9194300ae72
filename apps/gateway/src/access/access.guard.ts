import { MillraceError } from '@millrace/kernel';
import { millraceAttributes, recordedSpan } from '@millrace/telemetry';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { routeOf } from '../endpoint/endpoint.js';
import { Authenticator } from './authenticator.js';
import { mayCall } from './caller.js';

/** Denies every HTTP request by default: only a route that says `public` is open, every other needs a key of its role. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(@Inject(Authenticator) private readonly authenticator: Authenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const route = routeOf(context.getClass());
    if (!route) throw new MillraceError('forbidden', 'route_not_open', 'This address is not open to anybody.');
    if (route.role === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const caller = await this.authenticator.authenticate(request.headers);
    request.caller = caller;
    recordedSpan()?.setAttribute(millraceAttributes.tenantId, caller.tenantId);
    if (mayCall(caller.role, route.role)) return true;
    const message = `This needs a key with the role ${route.role}; yours is ${caller.role}.`;
    throw new MillraceError('forbidden', 'role_too_low', message);
  }
}
