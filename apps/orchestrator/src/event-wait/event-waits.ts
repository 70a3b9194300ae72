/**
 * Hands events to the runs of the owned partitions that wait for them.
 *
 * 1. One reader for each tenant and subject that somebody waits for, and none where nobody waits.
 * 2. A reader begins behind the earliest place of its waits, and goes on only when every wait has been handed the event: what
 *    happens to a replica in between is made up for by the next one, from the stored places.
 * 3. An event is handed over at least once; a wait that has ended takes no second one.
 */
import { cloudEventOf, tenantEventsSubject, type CloudEvent } from '@millrace/contracts';
import { MillraceError, type JsonObject } from '@millrace/kernel';
import type { LiveMessage, MessageBus } from '@millrace/messaging';
import { setTimeout as pause } from 'node:timers/promises';
import { keyText } from '../run/hot-run.js';
import type { Turn } from '../run/turn.js';
import type { EventWaitStore, StoredEventWait } from './event-wait.store.js';

export interface EventWaitParts {
  readonly bus: Pick<MessageBus, 'follow' | 'extent'>;
  readonly store: Pick<EventWaitStore, 'ofPartitions'>;
  /** Whether a partition is this replica's, be its lease run out or not. */
  readonly has: (partition: number) => boolean;
  /** Decides and commits. @throws MillraceError; retryable where it is to be tried again */
  readonly take: (wait: StoredEventWait, event: JsonObject) => Promise<void>;
  readonly onFailure: (message: string, error: unknown) => void;
}

/** Waits that are handed an event at once. */
const handedAtOnce = 100;
const retryMs = 250;

interface Reader {
  readonly tenantId: string;
  readonly pattern: string;
  readonly waits: Map<string, StoredEventWait>;
  /** Everything up to here has been handed to all waits. */
  reached: number;
  ending: AbortController;
}

export class EventWaits {
  private readonly readers = new Map<string, Reader>();
  private readonly stopping = new AbortController();

  constructor(private readonly parts: EventWaitParts) {}

  /** Ends every reader. */
  stop(): void {
    this.stopping.abort();
    for (const { ending } of this.readers.values()) ending.abort();
    this.readers.clear();
  }

  /** Learns who waits in partitions that have just been taken over; tries until it knows. */
  async takeOver(partitions: readonly number[]): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        for (const wait of await this.parts.store.ofPartitions(partitions)) {
          if (this.parts.has(wait.key.partition)) this.add(wait);
        }
        return;
      } catch (error) {
        this.parts.onFailure('Who waits for events could not be read; trying again.', error);
        await this.rest(this.stopping.signal);
      }
    }
  }

  /** Forgets the waits of a partition that belongs to another replica now. */
  forget(partition: number): void {
    for (const reader of this.readers.values()) {
      for (const wait of reader.waits.values()) if (wait.key.partition === partition) this.remove(wait);
    }
  }

  /** Learns of the waits that a committed batch began and ended. */
  note(turns: readonly Turn[]): void {
    for (const { eventWaits } of turns) {
      if (eventWaits === null) continue;
      for (const wait of eventWaits.ended) this.remove(wait);
      for (const wait of eventWaits.begun) this.add(wait);
    }
  }

  private add(wait: StoredEventWait): void {
    if (this.stopping.signal.aborted) return;
    const { tenantId } = wait.key;
    const pattern = tenantEventsSubject(tenantId, wait.wait.subject);
    const reader = this.readers.get(pattern);
    if (reader === undefined) {
      const ending = new AbortController();
      const waits = new Map([[textOf(wait), wait]]);
      this.begin({ tenantId, pattern, waits, reached: Infinity, ending });
      return;
    }
    reader.waits.set(textOf(wait), wait);
    // What the reader has passed already it has not shown to this wait.
    if (wait.position.after < reader.reached) this.restart(reader);
  }

  private begin(reader: Reader): void {
    this.readers.set(reader.pattern, reader);
    const { ending } = reader;
    void this.read(reader, ending.signal).catch((error: unknown) => {
      if (!ending.signal.aborted) this.parts.onFailure('A reader of events ended early; it begins again.', error);
      if (!ending.signal.aborted) void this.rest(ending.signal).then(() => this.restart(reader));
    });
  }

  private restart(reader: Reader): void {
    if (this.readers.get(reader.pattern) !== reader) return;
    reader.ending.abort();
    this.begin({ ...reader, reached: Infinity, ending: new AbortController() });
  }

  private remove(wait: StoredEventWait): void {
    const pattern = tenantEventsSubject(wait.key.tenantId, wait.wait.subject);
    const reader = this.readers.get(pattern);
    reader?.waits.delete(textOf(wait));
    if (reader === undefined || reader.waits.size > 0) return;
    reader.ending.abort();
    this.readers.delete(pattern);
  }

  private async read(reader: Reader, signal: AbortSignal): Promise<void> {
    const { identity } = await this.parts.bus.extent(reader.pattern);
    const places = [...reader.waits.values()].map(({ position }) => placeIn(identity, position));
    reader.reached = Math.min(reader.reached, ...places);
    for await (const message of this.parts.bus.follow(reader.pattern, { afterSequence: reader.reached, signal })) {
      await this.show(reader, message, signal);
      if (signal.aborted) return;
      reader.reached = message.sequence;
    }
  }

  /** Hands a message to every wait of a reader that it lies behind, until each has had it. */
  private async show(reader: Reader, message: LiveMessage, signal: AbortSignal): Promise<void> {
    const event = cloudEventOf(message);
    if (event === undefined || message.envelope.tenantId !== reader.tenantId || event.tenantid !== reader.tenantId)
      return;
    const waits = [...reader.waits.values()].filter(
      ({ position }) => placeIn(message.stream, position) < message.sequence,
    );
    for (let index = 0; index < waits.length; index += handedAtOnce) {
      const some = waits.slice(index, index + handedAtOnce);
      await Promise.all(some.map((wait) => this.hand(reader, wait, event, signal)));
    }
  }

  private async hand(reader: Reader, wait: StoredEventWait, event: CloudEvent, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && reader.waits.has(textOf(wait))) {
      try {
        return await this.parts.take(wait, event as JsonObject);
      } catch (error) {
        this.parts.onFailure('An event could not be handed to a run that waits for it.', error);
        if (error instanceof MillraceError && !error.retryable) return;
        await this.rest(signal);
      }
    }
  }

  private async rest(signal: AbortSignal): Promise<void> {
    await pause(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Where in a stream a place lies: before everything where it is of another stream, of which nothing is left. */
const placeIn = (stream: string, position: StoredEventWait['position']): number =>
  position.stream === stream ? position.after : 0;

const textOf = ({ key, wait }: StoredEventWait): string => `${keyText(key)}/${wait.attempt}:${wait.node}`;
