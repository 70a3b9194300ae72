import { type CloudEvent, cloudEventSchema, type QueryInputOf, routes } from '@millrace/contracts';
import { dataOf, resumedFrames, type ResumeOptions } from './resumed-stream.js';
import type { Transport } from './transport.js';

/** An event, with the cursor behind it. */
export interface EventStreamItem {
  readonly cursor: string;
  readonly event: CloudEvent;
}

/** Which events, and behind what. */
export type EventQuery = Omit<QueryInputOf<typeof routes.listEvents>, 'limit' | 'wait'>;

/**
 * Events as they come, for ever. A connection that breaks is made again behind the last event: nothing is missed and nothing comes
 * twice.
 * @throws MillraceError what the server refuses with, `cursor_expired` and `cursor_lost` where it cannot continue;
 *   `server_unreachable` and the like when trying again did not help.
 */
export async function* streamEvents(
  transport: Transport,
  query: EventQuery,
  options: ResumeOptions = {},
): AsyncGenerator<EventStreamItem, void, undefined> {
  for await (const frame of resumedFrames(transport, routes.listEvents, { query }, options)) {
    const event = cloudEventSchema.safeParse(dataOf(frame));
    // What this version does not know is passed over, as readers of events must.
    if (event.success) yield { cursor: frame.id ?? '', event: event.data };
  }
}
