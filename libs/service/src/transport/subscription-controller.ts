import 'reflect-metadata';
import { Controller, Inject, type OnModuleInit, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { MillraceError } from '@millrace/kernel';
import type { HandlerClass, ServiceSubscription } from '../service-definition.js';
import { ContractPipe } from './contract-pipe.js';

interface Handler {
  handle(data: unknown, message: unknown): unknown;
}

/** The pattern under which Nest knows the line of a contract; unique in a service. */
export function patternOf({ contract }: ServiceSubscription): string {
  return contract.kind === 'event' ? `evt.${contract.name}.v${contract.version}` : contract.subject;
}

/**
 * A Nest controller for one line of the inbox, so that handlers stay plain providers: it takes over whatever guards,
 * pipes, interceptors and filters decorate the handler, and calls it with the data that the contract accepted.
 * Task data comes from the worker, which has checked it already.
 */
export function subscriptionController(subscription: ServiceSubscription): Type {
  const { contract, handler } = subscription;
  const contractPipes = contract.kind === 'task' ? [] : [new ContractPipe(contract)];

  @Controller()
  class SubscriptionController implements OnModuleInit {
    private target!: Handler;

    constructor(@Inject(ModuleRef) private readonly moduleReference: ModuleRef) {}

    onModuleInit(): void {
      this.target = findHandler(this.moduleReference, handler);
    }

    @MessagePattern(patternOf(subscription))
    handle(@Payload(...contractPipes) data: unknown, @Ctx() message: unknown): unknown {
      return this.target.handle(data, message);
    }
  }
  copyDecorations(handler, SubscriptionController);
  copyDecorations(handler.prototype as object, SubscriptionController.prototype, 'handle');
  Object.defineProperty(SubscriptionController, 'name', { value: handler.name });
  return SubscriptionController;
}

function findHandler(moduleReference: ModuleRef, handler: HandlerClass): Handler {
  try {
    return moduleReference.get<Handler>(handler, { strict: false });
  } catch (cause) {
    throw new MillraceError(
      'internal',
      'invalid_subscriptions',
      `${handler.name} is listed in the subscriptions but is no singleton provider of the service's module.`,
      { cause },
    );
  }
}

/** What makes a class a provider or a controller, and its method a listener: each side keeps its own. */
const ownDecorations = [
  'design:',
  'self:',
  'optional:',
  'microservices:',
  'scope:',
  '__injectable',
  '__controller',
  'path',
  'host',
];

/** Copies what decorators wrote on a class, or on one of its methods. */
function copyDecorations(from: object, to: object, method?: string): void {
  const source = method === undefined ? from : (Reflect.get(from, method) as object);
  const target = method === undefined ? to : (Reflect.get(to, method) as object);
  for (const key of Reflect.getMetadataKeys(source) as unknown[]) {
    if (typeof key === 'string' && ownDecorations.some((prefix) => key.startsWith(prefix))) continue;
    Reflect.defineMetadata(key, Reflect.getMetadata(key, source), target);
  }
}
