import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { envelopeOf, type TaskResult } from '@millrace/contracts';
import { MillraceError, newId } from '@millrace/kernel';
import type { IncomingMessage } from '@millrace/messaging';
import { eventually } from '@millrace/testing';
import {
  Catch,
  ForbiddenException,
  Inject,
  Injectable,
  Module,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { map, of, throwError, type Observable } from 'rxjs';
import { defineSubscriptions, type CommandMessage, type ServiceDefinition } from '../index.js';
import {
  GreetHandler,
  greetGuest,
  guestArrived,
  GuestBook,
  guestHouse,
  GuestHouseModule,
  makeBed,
} from '../testing/guest-house.js';
import { SpecHost } from '../testing/host.js';

let host: SpecHost;
beforeEach(() => {
  host = new SpecHost();
});
afterEach(() => host.close());

/** A service with one handler of the greeting command, decorated as the spec likes. */
function serviceWith(
  handler: Type<GreetHandler>,
  providers: Type[] = [],
  moduleProviders: object[] = [],
): ServiceDefinition {
  @Module({ providers: [GuestBook, handler, ...providers, ...(moduleProviders as Type[])] })
  class SpecModule {}
  return {
    name: 'spec-house',
    config: () => ({}),
    module: SpecModule,
    subscriptions: defineSubscriptions([{ contract: greetGuest, handler }]),
  };
}

describe('a command', () => {
  it('is answered by its handler, with defaults applied and the message beside the data', async () => {
    const service = await host.start(guestHouse);
    expect(await host.request(greetGuest, { name: 'Ada', extra: 'field of a newer version' })).toEqual({
      greeting: 'Hello Ada',
    });
    expect(service.get(GuestBook).entries).toEqual(['Ada of acme in en']);
  });

  it('leaves a line with its correlation id, also when it is refused', async () => {
    await host.start(guestHouse);
    await host.request(greetGuest, { name: 'Ada' });
    await expect(host.request(greetGuest, { name: 'nobody' })).rejects.toThrow();
    const line = { level: 'debug', contract: greetGuest.name, correlationId: 'req_7', tenantId: 'acme' };
    expect(host.lines).toContainEqual(expect.objectContaining({ ...line, msg: 'handled' }));
    expect(host.lines).toContainEqual(expect.objectContaining({ ...line, msg: 'refused', code: 'guest_unknown' }));
  });

  it('that does not fit its contract is refused with a pointer to each mistake', async () => {
    await host.start(guestHouse);
    await expect(host.request(greetGuest, { name: '', language: 5 })).rejects.toMatchObject({
      kind: 'invalid',
      code: 'invalid_message',
      violations: [{ pointer: '/name' }, { pointer: '/language' }],
    });
    for (const data of [null, undefined, 'text', [], { name: { $ne: 1 } }]) {
      await expect(host.request(greetGuest, data)).rejects.toMatchObject({ code: 'invalid_message' });
    }
  });

  it('of another type or version than its subject says is refused', async () => {
    await host.start(guestHouse);
    await expect(host.request(greetGuest, { name: 'Ada' }, { version: 2 })).rejects.toMatchObject({
      code: 'unexpected_message',
    });
    await expect(host.request(greetGuest, { name: 'Ada' }, { type: 'x' })).rejects.toMatchObject({
      code: 'unexpected_message',
    });
  });

  it('carries an expected error to the caller, and hides an unexpected one but logs it with its context', async () => {
    await host.start(guestHouse);
    await expect(host.request(greetGuest, { name: 'nobody' })).rejects.toMatchObject({
      kind: 'not-found',
      code: 'guest_unknown',
      message: 'There is no such guest.',
    });
    await expect(host.request(greetGuest, { name: 'crash' })).rejects.toMatchObject({ code: 'internal_error' });
    const line = host.lines.find(({ msg }) => msg === 'handler failed');
    expect(line).toMatchObject({
      component: 'guest-house',
      correlationId: 'req_7',
      tenantId: 'acme',
      err: { code: 'internal_error' },
    });
    expect(JSON.stringify(line)).toContain('exploded');
    expect(JSON.stringify(host.lines)).not.toContain('hunter2');
  });

  it('has its reply checked against the contract, outside production', async () => {
    const service = await host.start(guestHouse);
    await expect(host.request(greetGuest, { name: 'bad reply' })).rejects.toMatchObject({ code: 'invalid_reply' });
    await service.drain({ graceMs: 0 });
    await host.start(guestHouse, { environment: { NODE_ENV: 'production' } });
    expect(await host.request(greetGuest, { name: 'bad reply' })).toEqual({ hello: 1 });
  });
});

describe('an event', () => {
  it('is handled, and tried again when that fails', async () => {
    const service = await host.start(guestHouse);
    await host.publish(guestArrived, { name: 'early' });
    await host.publish(guestArrived, { name: 'late' });
    await eventually(() => service.get(GuestBook).entries.length === 2);
    expect(service.get(GuestBook).entries).toEqual(['early arrived', 'late arrived']);
  });

  it('that does not fit its contract goes to the dead letters at once', async () => {
    const letters: IncomingMessage[] = [];
    await host.bus.subscribe('dlq.>', (message) => void letters.push(message));
    await host.start(guestHouse);
    await host.publish(guestArrived, { name: 5 });
    await eventually(() => letters.length === 1);
  });
});

describe('a task', () => {
  it('goes through a worker and back as a result', async () => {
    const results: TaskResult[] = [];
    await host.bus.respond('result.1.v1', { queue: 'orchestrator', maxInFlight: 10 }, ({ envelope }) => {
      results.push(envelope.data as TaskResult);
      return Promise.resolve({ applied: true });
    });
    await host.start(guestHouse);
    for (const input of [{ room: 4 }, { room: 'x' }]) {
      const runId = newId('run');
      const data = {
        taskId: `${runId}:bed:1`,
        runId,
        node: 'bed',
        attempt: 1,
        input,
        stream: false,
        replyTo: 'result.1.v1',
      };
      const context = { tenantId: 'acme', correlationId: 'req_1', causationId: null };
      await host.bus.publish({
        subject: makeBed.subject,
        envelope: envelopeOf(makeBed, context, data, { id: data.taskId }),
      });
    }
    await eventually(() => results.length === 2);
    expect(results.map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining([
        { status: 'completed', output: { done: true } },
        expect.objectContaining({
          status: 'failed',
          error: expect.objectContaining({ code: 'invalid_input' }) as unknown,
        }),
      ]),
    );
  });
});

describe('Nest works on messages as on HTTP:', () => {
  @Injectable()
  class AllowList {
    readonly allowed = new Set(['acme']);
  }

  @Injectable()
  class TenantGuard implements CanActivate {
    constructor(
      @Inject(AllowList) private readonly list: AllowList,
      @Inject(Reflector) private readonly reflector: Reflector,
    ) {}

    canActivate(context: ExecutionContext): boolean {
      if (this.reflector.get<boolean>('open', context.getHandler()) === true) return true;
      const message = context.switchToRpc().getContext<CommandMessage>();
      if (context.switchToRpc().getData<{ name?: string }>().name === 'Eve') throw new ForbiddenException('Not Eve.');
      return this.list.allowed.has(message.tenantId);
    }
  }

  it('guards say no, with what they know of the message, before it is validated', async () => {
    @UseGuards(TenantGuard)
    @Injectable()
    class Guarded extends GreetHandler {}
    await host.start(serviceWith(Guarded, [AllowList]));
    expect(await host.request(greetGuest, { name: 'Ada' })).toEqual({ greeting: 'Hello Ada' });
    const foreign = { tenantId: 'globex' };
    await expect(host.request(greetGuest, { name: 'Ada' }, foreign)).rejects.toMatchObject({
      kind: 'forbidden',
      code: 'forbidden',
    });
    await expect(host.request(greetGuest, { name: 5 }, foreign)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(host.request(greetGuest, { name: 'Eve' })).rejects.toMatchObject({
      kind: 'forbidden',
      message: 'Not Eve.',
    });
  });

  it('global guards apply, and see what decorates the handler', async () => {
    @Injectable()
    class Open extends GreetHandler {
      @SetMetadata('open', true)
      override handle(data: { name: string; language: string }, message: CommandMessage): { greeting: string } {
        return super.handle(data, message);
      }
    }
    const guard = { provide: APP_GUARD, useClass: TenantGuard };
    await host.start(serviceWith(Open, [AllowList], [guard]));
    expect(await host.request(greetGuest, { name: 'Ada' }, { tenantId: 'globex' })).toEqual({ greeting: 'Hello Ada' });
  });

  it('interceptors see the call and change the reply', async () => {
    class Polite implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler<{ greeting: string }>): Observable<unknown> {
        if (context.getClass().name !== 'Intercepted') throw new Error('wrong class');
        return next.handle().pipe(map(({ greeting }) => ({ greeting: `${greeting}, welcome` })));
      }
    }
    @UseInterceptors(Polite)
    @Injectable()
    class Intercepted extends GreetHandler {}
    await host.start(serviceWith(Intercepted));
    expect(await host.request(greetGuest, { name: 'Ada' })).toEqual({ greeting: 'Hello Ada, welcome' });
    await expect(host.request(greetGuest, { name: 'nobody' })).rejects.toMatchObject({ code: 'guest_unknown' });
  });

  it('pipes change the data before the contract sees it', async () => {
    class Shorten implements PipeTransform {
      transform(value: unknown): unknown {
        const data = value as { name?: string };
        if (data.name === 'refused') throw new MillraceError('invalid', 'name_refused', 'No.');
        return typeof data.name === 'string' ? { ...data, name: data.name.slice(0, 3) } : value;
      }
    }
    @Injectable()
    class Piped extends GreetHandler {
      @UsePipes(Shorten)
      override handle(data: { name: string; language: string }, message: CommandMessage): { greeting: string } {
        return super.handle(data, message);
      }
    }
    await host.start(serviceWith(Piped));
    expect(await host.request(greetGuest, { name: 'Adalbert' })).toEqual({ greeting: 'Hello Ada' });
    await expect(host.request(greetGuest, { name: 'refused' })).rejects.toMatchObject({ code: 'name_refused' });
  });

  it('exception filters turn errors into replies or other errors, and let the rest through', async () => {
    @Catch(MillraceError)
    class Forgiving implements ExceptionFilter<MillraceError> {
      catch(error: MillraceError, context: ArgumentsHost): Observable<unknown> {
        const { correlationId } = context.switchToRpc().getContext<CommandMessage>();
        if (error.code === 'guest_unknown') return of({ greeting: `Hello stranger (${correlationId})` });
        return throwError(() => new MillraceError('conflict', 'filtered', 'Filtered.', { cause: error }));
      }
    }
    @UseFilters(Forgiving)
    @Injectable()
    class Filtered extends GreetHandler {}
    await host.start(serviceWith(Filtered));
    expect(await host.request(greetGuest, { name: 'nobody' })).toEqual({ greeting: 'Hello stranger (req_7)' });
    await expect(host.request(greetGuest, { name: 5 })).rejects.toMatchObject({ code: 'filtered' });
    await expect(host.request(greetGuest, { name: 'crash' })).rejects.toMatchObject({ code: 'internal_error' });
  });
});

describe('starting fails', () => {
  const starting = (changes: Partial<typeof guestHouse>) => host.start({ ...guestHouse, ...changes });

  it('when a handler is listed that is no provider', async () => {
    @Injectable()
    class Forgotten extends GreetHandler {}
    const subscriptions = defineSubscriptions([{ contract: greetGuest, handler: Forgotten }]);
    await expect(starting({ subscriptions })).rejects.toThrow(/Forgotten is listed .* no singleton provider/);
  });

  it('when two lines clash or a class has no handle, naming all of them', async () => {
    class Empty {}
    const subscriptions = [
      ...guestHouse.subscriptions,
      { contract: greetGuest, handler: Empty as unknown as typeof GreetHandler },
    ];
    await expect(starting({ subscriptions })).rejects.toThrow(
      /greet.v1 is handled by both GreetHandler and Empty; Empty, .* has no method "handle"/,
    );
  });

  it('when the module cannot be built, and leaves nothing behind', async () => {
    @Module({
      imports: [GuestHouseModule],
      providers: [{ provide: 'x', useFactory: () => Promise.reject(new Error('broken')) }],
    })
    class Broken {}
    await expect(starting({ module: Broken })).rejects.toThrow('broken');
    await expect(host.request(greetGuest, { name: 'Ada' })).rejects.toMatchObject({ code: 'no_responders' });
  });
});
