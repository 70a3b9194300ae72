import { type CloudEvent, customEntity, type QueryOf, type routes, tenantEventsSubject } from '@millrace/contracts';

export interface EventFilter {
  /** What the stream filters by. */
  readonly pattern: string;
  /** Whether events of the pattern have to be looked at one by one. */
  readonly isSelective: boolean;
  matches(event: CloudEvent): boolean;
}

/** What a query asks for, always within the tenant's own space. */
export function eventFilterOf(query: QueryOf<typeof routes.listEvents>, tenantId: string): EventFilter {
  const wanted = Object.entries(wantedAttributes(query));
  const { subject, type } = query;
  // Every type has one subject, so that the stream itself can find its events.
  const pattern = subject === '>' && type !== undefined ? (subjectOfType(type) ?? subject) : subject;
  return {
    pattern: tenantEventsSubject(tenantId, pattern),
    isSelective: wanted.length > 0,
    matches: (event) => wanted.every(([name, value]) => Object.hasOwn(event, name) && String(event[name]) === value),
  };
}

function wantedAttributes(query: QueryOf<typeof routes.listEvents>): Record<string, string> {
  const { type, source, id, about, correlationid, attribute = [] } = query;
  const others = (typeof attribute === 'string' ? [attribute] : attribute).map((text): [string, string] => {
    const end = text.indexOf('=');
    return [text.slice(0, end), text.slice(end + 1)];
  });
  const named = Object.entries({ type, source, id, subject: about, correlationid }).flatMap(
    ([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]),
  );
  return Object.fromEntries([...others, ...named]);
}

const subjectOfOurs = /^millrace\.([a-z0-9_-]+\.[a-z0-9_-]+\.v\d+)$/;
const subjectTokens = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** Undefined for a type that no event can have. */
function subjectOfType(type: string): string | undefined {
  const ours = subjectOfOurs.exec(type)?.[1];
  if (ours !== undefined) return ours;
  return subjectTokens.test(type) ? `${customEntity}.${type}` : undefined;
}
