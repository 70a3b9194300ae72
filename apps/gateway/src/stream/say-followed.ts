import {
  envelopeOf,
  liveFollowedSubject,
  liveRunFollowed,
  type MessageContext,
  partitionOf,
} from '@millrace/contracts';
import type { MessageBus } from '@millrace/messaging';

const saidForMs = 60_000;
/** Often enough that a lost word or a new owner costs a reader little: it looks into the store by itself meanwhile. */
const sayEveryMs = saidForMs / 4;

/** Tells the owner of a run that it is followed, until the function that it gives is called. */
export function sayFollowed(bus: MessageBus, runId: string, context: MessageContext): () => void {
  const say = (): void => {
    const envelope = envelopeOf(liveRunFollowed, context, { runId, forMs: saidForMs });
    bus.notify({ subject: liveFollowedSubject(partitionOf(runId)), envelope });
  };
  say();
  const timer = setInterval(say, sayEveryMs).unref();
  return () => clearInterval(timer);
}
