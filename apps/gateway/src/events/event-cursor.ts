import { invalidInput, MillraceError } from '@millrace/kernel';
import type { StreamExtent } from '@millrace/messaging';
import { decodeCursor, encodeCursor } from '../endpoint/cursor.js';

/** How far a reader of events is. */
export interface EventPosition {
  /** The identity of the stream that it counts in. */
  readonly stream: string;
  /** The sequence of the last event that it has had, or looked past. */
  readonly after: number;
}

export const eventCursorOf = ({ stream, after }: EventPosition): string => encodeCursor({ stream, after });

/** @throws MillraceError `invalid_cursor` */
export function parseEventCursor(cursor: string): EventPosition {
  const { stream, after } = decodeCursor(cursor);
  if (typeof stream === 'string' && typeof after === 'number' && Number.isSafeInteger(after) && after >= 0) {
    return { stream, after };
  }
  throw invalidInput('invalid_cursor', 'This cursor is none of ours. Leave it out to begin anew.');
}

export function cursorLost(): MillraceError {
  const message = 'The events that this cursor counts in are gone; others came in their place. Begin without one.';
  return new MillraceError('conflict', 'cursor_lost', message);
}

/**
 * Nothing of what a reader has not had may be gone.
 * @throws MillraceError `cursor_expired` where it may have been dropped for its age, `cursor_lost` where the events were wiped
 */
export function assertHeld({ stream, after }: EventPosition, extent: StreamExtent): void {
  if (stream !== extent.identity || after > extent.lastSequence) throw cursorLost();
  if (after >= extent.firstSequence - 1) return;
  const message = 'Events after this cursor may be too old to be held. Begin without one, at the oldest that are.';
  throw new MillraceError('conflict', 'cursor_expired', message);
}
