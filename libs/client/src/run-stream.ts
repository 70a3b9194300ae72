import {
  type LiveToken,
  liveTokenSchema,
  runEventSchema,
  type RunEventType,
  routes,
  terminalEventTypes,
} from '@millrace/contracts';
import type { EventSourceMessage } from 'eventsource-parser/stream';
import type { z } from 'zod';
import { dataOf, resumedFrames, type ResumeOptions } from './resumed-stream.js';
import type { Transport } from './transport.js';

/** A run event or a token, with the id that a later stream may resume after. */
export type RunStreamItem =
  | { readonly kind: 'event'; readonly id: string; readonly event: z.output<typeof runEventSchema> }
  | { readonly kind: 'token'; readonly id: string; readonly token: LiveToken };

/**
 * What happens in a run, until its terminal event, or the last of them where it was retried. A connection that breaks is made again after the last id: nothing is
 * missed and nothing comes twice.
 * @throws MillraceError what the server refuses with; `server_unreachable` and the like when trying again did not help.
 */
export async function* streamRun(
  transport: Transport,
  runId: string,
  options: ResumeOptions = {},
): AsyncGenerator<RunStreamItem, void, undefined> {
  const call = { params: { id: runId } };
  for await (const frame of resumedFrames(transport, routes.streamRun, call, options, isTerminal)) {
    const item = itemOf(frame);
    if (item !== undefined) yield item;
  }
}

const isTerminal = ({ event }: EventSourceMessage): boolean => terminalEventTypes.has(event as RunEventType);

/** What this version does not know is passed over, as readers of events must. */
function itemOf(frame: EventSourceMessage): RunStreamItem | undefined {
  const { event, id = '' } = frame;
  const value = dataOf(frame);
  if (event === 'token') {
    const token = liveTokenSchema.safeParse(value);
    return token.success ? { kind: 'token', id, token: token.data } : undefined;
  }
  const runEvent = runEventSchema.safeParse(value);
  return runEvent.success ? { kind: 'event', id, event: runEvent.data } : undefined;
}
