import { describe, expect, it } from '@jest/globals';
import { defineCommand, defineEvent, defineTask } from '@millrace/contracts';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { defineSubscriptions, type CommandMessage, type EventMessage } from './index.js';
import type { Task } from '@millrace/worker';

const greet = defineCommand({
  owner: 'greeter',
  entity: 'guest',
  action: 'greet',
  version: 1,
  summary: 'Greets.',
  request: z.object({ name: z.string() }),
  response: z.object({ greeting: z.string() }),
});
const shout = defineTask({
  taskKind: 'shout',
  version: 1,
  summary: 'Shouts.',
  input: z.strictObject({ text: z.string() }),
  output: z.object({ loud: z.string() }),
});
const arrived = defineEvent({
  owner: 'greeter',
  entity: 'guest',
  action: 'arrived',
  version: 1,
  summary: 'A guest arrived.',
  data: z.object({ name: z.string() }),
  about: 'name',
});

@Injectable()
class GreetHandler {
  handle(data: { name: string }, message: CommandMessage): { greeting: string } {
    return { greeting: `Hello ${data.name} of ${message.tenantId}` };
  }
}

@Injectable()
class ShoutHandler {
  handle(input: { text: string }, _task: Task): Promise<{ output: { loud: string } }> {
    return Promise.resolve({ output: { loud: input.text.toUpperCase() } });
  }
}

@Injectable()
class ArrivedHandler {
  handle(_data: { name: string }, message: EventMessage): void {
    message.heartbeat();
  }
}

describe('a list of subscriptions', () => {
  it('takes handlers that fit their contracts', () => {
    const lines = defineSubscriptions([
      { contract: greet, handler: GreetHandler, maxInFlight: 10 },
      { contract: shout, handler: ShoutHandler, slots: 4 },
      { contract: arrived, handler: ArrivedHandler, slots: () => 2 },
    ]);
    expect(lines.map((line) => line.contract.name)).toEqual(['greeter.guest.greet', 'task.shout', 'guest.arrived']);
  });

  it('does not compile with a handler that does not fit', () => {
    // @ts-expect-error -- a task's handler for a command
    defineSubscriptions([{ contract: greet, handler: ShoutHandler }]);
    // @ts-expect-error -- a command's handler for a task
    defineSubscriptions([{ contract: shout, handler: GreetHandler }]);
    // @ts-expect-error -- commands have no slots
    defineSubscriptions([{ contract: greet, handler: GreetHandler, slots: 4 }]);
    expect(true).toBe(true);
  });
});
