/**
 * One frame of `text/event-stream`. The data is JSON on one line, so that no line break in it can end the frame;
 * `event` and `id` are checked, because they may come from event types that this version does not know.
 */
export function frameOf(frame: { readonly event?: string; readonly id: string; readonly data: unknown }): string {
  const { event = '', id, data } = frame;
  return `${event === '' ? '' : `event: ${oneLine(event)}\n`}id: ${oneLine(id)}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Keeps proxies from closing a quiet stream, and shows us a reader who has gone. */
export const heartbeatFrame = ': alive\n\n';

/** Sent first: how long a client waits before it connects again, in milliseconds. */
export const retryFrame = (milliseconds: number): string => `retry: ${milliseconds}\n\n`;

function oneLine(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new Error('A server-sent event has a line break in its head.');
  return text;
}
