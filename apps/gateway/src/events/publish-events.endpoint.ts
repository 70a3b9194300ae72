import { routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';
import { CustomEvents } from './custom-events.js';

type PublishEvents = typeof routes.publishEvents;

@Endpoint(routes.publishEvents)
export class PublishEventsEndpoint implements Serves<PublishEvents> {
  constructor(@Inject(CustomEvents) private readonly events: CustomEvents) {}

  async handle({ body, context }: RouteRequest<PublishEvents>): Promise<RouteReply<PublishEvents>> {
    const isBatch = Array.isArray(body);
    const placeOf = (index: number): string => (isBatch ? `/${index}` : '');
    const items = await this.events.publish(isBatch ? body : [body], placeOf, context);
    return { status: 202, body: { items } };
  }
}
