/**
 * Where the stream of events is. It is asked before a wait may begin, so that the wait is stored with a place that lies before it:
 * whatever is published after it has begun is behind that place, whoever reads it and whenever.
 */
import type { MessageBus } from '@millrace/messaging';
import { setTimeout as pause } from 'node:timers/promises';
import type { EventPosition } from './event-wait.store.js';

const everyEvent = 'evt.>';
/** A batch does not wait for longer than this: an older place only shows more. */
const patienceMs = 2_000;

export class EventClock {
  private latest: EventPosition = { stream: '', after: 0 };

  constructor(
    private readonly bus: Pick<MessageBus, 'extent'>,
    private readonly onFailure: (message: string, error: unknown) => void,
  ) {}

  /** The place as it was when it was last asked for. */
  get position(): EventPosition {
    return this.latest;
  }

  /** Asks where the stream is. Where it does not answer, the place stays what it was. */
  async refresh(): Promise<void> {
    const over = new AbortController();
    const asked = this.bus.extent(everyEvent).then(({ identity, lastSequence }) => {
      this.latest = { stream: identity, after: lastSequence };
    });
    const failed = asked.catch((error: unknown) =>
      this.onFailure('The stream of events could not be asked; waits may see events of before.', error),
    );
    await Promise.race([failed, pause(patienceMs, undefined, { signal: over.signal }).catch(() => undefined)]);
    over.abort();
  }
}
