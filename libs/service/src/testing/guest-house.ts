/** A small service with one handler per kind of contract, for specs. */
import { defineCommand, defineEvent, defineTask } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import type { Task } from '@millrace/worker';
import { Inject, Injectable, Module } from '@nestjs/common';
import { z } from 'zod';
import { BUS, defineSubscriptions, type CommandMessage, type EventMessage, type ServiceDefinition } from '../index.js';

export const greetGuest = defineCommand({
  owner: 'guest-house',
  entity: 'guest',
  action: 'greet',
  version: 1,
  summary: 'Greets a guest.',
  request: z.object({ name: z.string().min(1), language: z.string().default('en') }),
  response: z.object({ greeting: z.string() }),
});
export const makeBed = defineTask({
  taskKind: 'make-bed',
  version: 1,
  summary: 'Makes a bed.',
  input: z.strictObject({ room: z.int() }),
  output: z.object({ done: z.literal(true) }),
});
export const guestArrived = defineEvent({
  owner: 'guest-house',
  entity: 'guest',
  action: 'arrived',
  version: 1,
  summary: 'A guest arrived.',
  data: z.object({ name: z.string() }),
  about: 'name',
});

/** What the handlers saw, in order. */
@Injectable()
export class GuestBook {
  readonly entries: string[] = [];
}

@Injectable()
export class GreetHandler {
  constructor(
    @Inject(GuestBook) private readonly book: GuestBook,
    @Inject(BUS) readonly bus: MessageBus,
  ) {}

  handle(data: { name: string; language: string }, message: CommandMessage): { greeting: string } {
    if (data.name === 'nobody') throw new MillraceError('not-found', 'guest_unknown', 'There is no such guest.');
    if (data.name === 'crash') throw new Error('postgres://me:hunter2@db exploded');
    if (data.name === 'bad reply') return { hello: 1 } as unknown as { greeting: string };
    this.book.entries.push(`${data.name} of ${message.tenantId} in ${data.language}`);
    return { greeting: `Hello ${data.name}` };
  }
}

@Injectable()
class MakeBedHandler {
  handle(_input: { room: number }, task: Task): Promise<{ output: { done: true } }> {
    if (task.signal.aborted) throw new Error('aborted');
    return Promise.resolve({ output: { done: true } });
  }
}

@Injectable()
class ArrivedHandler {
  attempts = 0;

  constructor(@Inject(GuestBook) private readonly book: GuestBook) {}

  handle(data: { name: string }, message: EventMessage): void {
    this.attempts += 1;
    if (data.name === 'late' && message.deliveryCount < 2)
      throw new MillraceError('unavailable', 'not_yet', 'Not yet.');
    this.book.entries.push(`${data.name} arrived`);
  }
}

@Module({ providers: [GuestBook, GreetHandler, MakeBedHandler, ArrivedHandler], exports: [GuestBook] })
export class GuestHouseModule {}

export const guestHouse: ServiceDefinition<{ readonly beds: number }> = {
  name: 'guest-house',
  config: () => ({ beds: 3 }),
  module: GuestHouseModule,
  subscriptions: defineSubscriptions([
    { contract: greetGuest, handler: GreetHandler },
    { contract: makeBed, handler: MakeBedHandler, slots: (config: { beds: number }) => config.beds },
    { contract: guestArrived, handler: ArrivedHandler, slots: 1 },
  ]),
};
