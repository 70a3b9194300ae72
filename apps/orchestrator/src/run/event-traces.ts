/**
 * Which spans decided a run's events: a W3C `traceparent` by position, for the events whose decision was recorded. It is
 * stored beside the event, so that whoever publishes what follows from it, now or after a crash, publishes it as a child of
 * the span that scheduled it.
 */
import type { RunEvent } from '@millrace/contracts';

export type EventTraces = ReadonlyMap<number, string>;

export const noTraces: EventTraces = new Map();

/** The span that decided last: the one that a timer was set by. */
export const lastTrace = (traces: EventTraces): string | null => [...traces.values()].at(-1) ?? null;

/** The spans that scheduled the tasks among some events, by `scheduleText`. */
export function tracesOfTasks(events: readonly RunEvent[], traces: EventTraces): ReadonlyMap<string, string> {
  const byTask = new Map<string, string>();
  if (traces.size === 0) return byTask;
  for (const event of events) {
    const traceparent = traces.get(event.position);
    if (event.type === 'NodeScheduled' && traceparent !== undefined) byTask.set(scheduleText(event.data), traceparent);
  }
  return byTask;
}

export const scheduleText = ({ node, attempt }: { readonly node: string; readonly attempt: number }): string =>
  `${attempt}:${node}`;
