/** I5 to I9: what callers and operators were promised. */
import { terminalStatuses, type RunStatus } from '@millrace/contracts';
import { acceptedRunIds, type Evidence, type StartRecord, type StreamRecord, type Violation } from './evidence.js';

/** I5: one key and body, one run; another body is refused; other keys have other runs. */
export function checkIdempotency({ starts }: Evidence): Violation[] {
  const broken = (subject: string, message: string): Violation => ({ invariant: 'I5', subject, message });
  const owners = new Map<string, StartRecord>();
  const violations: Violation[] = [];
  for (const start of starts) {
    const subject = start.idempotencyKey ?? start.graph;
    const ids = new Set(start.attempts.flatMap(({ runId }) => runId ?? []));
    if (ids.size > 1) violations.push(broken(subject, `gave ${ids.size} runs: ${[...ids].join(', ')}`));
    for (const id of ids) {
      if (owners.has(id)) violations.push(broken(id, 'was given to two different starts'));
      owners.set(id, start);
    }
    // Until the first body has its answer, either may be the first to arrive.
    const answered = start.attempts.findIndex(({ body, runId }) => body === 0 && runId !== null);
    const taken = start.attempts.slice(answered + 1).filter(({ body, runId }) => body === 1 && runId !== null);
    if (answered !== -1 && taken.length > 0) violations.push(broken(subject, 'took another body for the same key'));
  }
  return violations;
}

/** I6: a stream that was resumed gave every event once, in order, and no token twice. */
export function checkStreams({ streams, runs }: Evidence): Violation[] {
  const lengths = new Map(runs.map(({ id, events }) => [id, events.length]));
  return streams.flatMap((stream) =>
    wrongStream(stream, lengths.get(stream.runId) ?? 0).map((message): Violation => ({
      invariant: 'I6',
      subject: stream.runId,
      message,
    })),
  );
}

function wrongStream({ positions, tokens, ended, connections }: StreamRecord, length: number): string[] {
  const over = `over ${connections} connections`;
  const wrong = positions.findIndex((position, index) => position !== index + 1);
  const repeated = tokens.length - new Set(tokens).size;
  return [
    ...(wrong === -1 ? [] : [`the stream gave position ${positions[wrong]} where ${wrong + 1} is due, ${over}`]),
    ...(ended ? [] : [`the stream never came to its end, ${over}`]),
    ...(ended && positions.length !== length
      ? [`the stream ended after ${positions.length} of ${length} events, ${over}`]
      : []),
    ...(repeated === 0 ? [] : [`the stream gave ${repeated} tokens twice, ${over}`]),
  ];
}

/** I7: whoever is turned away is told when to come again. (That nothing accepted is lost is I1.) */
export function checkOverload({ starts }: Evidence): Violation[] {
  const turnedAway = starts.flatMap(({ attempts }) =>
    attempts.filter(({ status }) => status === 429 || status === 503),
  );
  const silent = turnedAway.filter(({ retryAfter }) => retryAfter === null);
  return [...Map.groupBy(silent, ({ status, code }) => `${status} ${code}`)].map(([answer, all]) => ({
    invariant: 'I7',
    subject: answer,
    message: `was answered ${all.length} times without Retry-After`,
  }));
}

/** A process ends itself three seconds after its grace period; the rest is for a machine too busy to notice. In milliseconds. */
const exitMarginMs = 6_000;

/** I8: SIGTERM ends a process in good order inside its grace period. */
export function checkDrains({ drains }: Evidence): Violation[] {
  return drains.flatMap(({ service, exitCode, tookMs, graceMs }): Violation[] => {
    const broken = (message: string): Violation => ({ invariant: 'I8', subject: service, message });
    if (tookMs > graceMs + exitMarginMs)
      return [broken(`took ${tookMs} ms to end; ${graceMs} ms are its grace period`)];
    return exitCode === 0 ? [] : [broken(`ended with exit code ${exitCode} on SIGTERM`)];
  });
}

/** I9: a run that was said to be cancelled is cancelled. */
export function checkCancels({ cancels, runs }: Evidence): Violation[] {
  const statuses = new Map(runs.map(({ id, status }) => [id, status]));
  return cancels
    .filter(({ runId, answered }) => answered === 'cancelled' && statuses.get(runId) !== 'cancelled')
    .map(({ runId }) => ({ invariant: 'I9', subject: runId, message: `was cancelled and is ${statuses.get(runId)}` }));
}

/** Subscribers hear of the beginning and the end of every run, unless the transport's store was wiped before they could. */
export function checkAnnouncements({ starts, runs, applications, transportWiped }: Evidence): Violation[] {
  if (transportWiped) return [];
  const heard = new Set(applications.map(({ runId, type }) => `${runId} ${type}`));
  const accepted = acceptedRunIds(starts);
  return runs
    .filter(({ id, status }) => accepted.has(id) && terminalStatuses.has(status as RunStatus))
    .flatMap(({ id, status }) =>
      ['run.started', `run.${status}`]
        .filter((type) => !heard.has(`${id} ${type}`))
        .map((type): Violation => ({ invariant: 'announcements', subject: id, message: `${type} was never heard` })),
    );
}
