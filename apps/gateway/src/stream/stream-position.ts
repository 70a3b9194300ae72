import { invalidInput } from '@millrace/kernel';

/** How far a reader of a run's stream is: the position of its last run event, and the sequence of its last token. */
export interface StreamPosition {
  readonly event: number;
  readonly token: number;
}

export const streamStart: StreamPosition = { event: 0, token: 0 };

/** The `id:` of a server-sent event: both positions, so that one id resumes both. */
export const streamIdOf = ({ event, token }: StreamPosition): string => `${event}.${token}`;

/**
 * Reads a `Last-Event-ID`.
 * @throws MillraceError `invalid_last_event_id` for what we never sent.
 */
export function parseStreamId(id: string): StreamPosition {
  const parts = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/.exec(id);
  if (!parts) {
    throw invalidInput('invalid_last_event_id', 'Last-Event-ID must be the id of an event of this stream, or absent.');
  }
  return { event: Number(parts[1]), token: Number(parts[2]) };
}
