/** I3 and I4: effects commit once, completions are paid once, and what is stale changes nothing. */
import type { Evidence, ObservedRun, ProviderCall, RecordedCompletion, Violation } from './evidence.js';

const broken = (subject: string, message: string): Violation => ({ invariant: 'I3', subject, message });

/** I3: an effect of a run that is stored, once for each node, and what the run holds of it is what was committed. */
export function checkEffects({ effects, runs }: Evidence): Violation[] {
  const stored = new Set(runs.filter(({ status }) => status !== 'unknown').map(({ id }) => id));
  const strangers = effects.attempts.filter(({ run }) => !stored.has(run));
  const byNode = Map.groupBy(effects.commits, ({ run, node }) => `${run}/${node}`);
  const doubled = [...byNode].filter(([, commits]) => commits.length > 1);
  const receipts = new Map(effects.commits.map(({ receipt, run }) => [receipt, run]));
  return [
    ...[...new Set(strangers.map(({ run }) => run))].map((run) => broken(run, 'had an effect and is not stored')),
    ...doubled.map(([node, commits]) => broken(node, `committed ${commits.length} effects`)),
    ...runs.flatMap((run) =>
      receiptsOf(run).flatMap((receipt) => wrongReceipt(run.id, receipt, receipts.get(receipt))),
    ),
  ];
}

function wrongReceipt(runId: string, receipt: string, owner: string | undefined): Violation[] {
  if (owner === runId) return [];
  return [broken(runId, owner === undefined ? `holds ${receipt}, which nobody gave` : `holds ${receipt} of ${owner}`)];
}

/** The receipts in outputs of nodes. */
function receiptsOf({ events }: ObservedRun): string[] {
  return events
    .filter(({ type }) => type === 'NodeCompleted')
    .flatMap(({ data }) => {
      const { result } = ((data as { output?: unknown }).output ?? {}) as { result?: unknown };
      const receipt = typeof result === 'object' && result !== null ? (result as { receipt?: unknown }).receipt : null;
      return typeof receipt === 'string' ? [receipt] : [];
    });
}

/** I3: what an event changed elsewhere, by way of our inbox, changed once. */
export function checkApplications({ applications }: Evidence): Violation[] {
  return applications
    .filter(({ times }) => times > 1)
    .map(({ messageId, type, times }) => broken(messageId, `${type} was applied ${times} times by a subscriber`));
}

/** How long after a record a call may still begin that was decided before it. */
const overlapMs = 2_500;

/**
 * I3: no call to the model after the completion of its task was recorded. Two deliveries may both ask at the same time, and a process
 * that stood still between looking into the ledger and calling cannot know better, nor can one that tries again what failed: calls
 * in and just after such times are not judged.
 */
export function checkCompletions({ providerCalls, completions, runs, llmOverlaps }: Evidence): Violation[] {
  const attempts = new Map(runs.map((run) => [run.id, scheduledAttempts(run)]));
  const paused = (call: ProviderCall): boolean => llmOverlaps.some(({ from, to }) => call.at >= from && call.at <= to);
  return completions.flatMap((completion) => {
    const until = attempts.get(completion.run)?.get(`${completion.node}:${completion.attempt + 1}`) ?? Infinity;
    return providerCalls
      .filter((call) => isOf(call, completion) && call.at > completion.at + overlapMs && call.at < until)
      .filter((call) => !paused(call))
      .map((call) =>
        broken(
          `${completion.run}/${completion.node}`,
          `the model was called ${Math.round(call.at - completion.at)} ms after its completion was recorded`,
        ),
      );
  });
}

const isOf = (call: ProviderCall, completion: RecordedCompletion): boolean =>
  call.run === completion.run && call.node === completion.node;

/** When each attempt of each node was scheduled. */
function scheduledAttempts({ events }: ObservedRun): ReadonlyMap<string, number> {
  return new Map(
    events
      .filter(({ type }) => type === 'NodeScheduled')
      .map(({ data, at }) => {
        const { node, attempt } = data as { node: string; attempt: number };
        return [`${node}:${attempt}`, Date.parse(at)] as const;
      }),
  );
}

/** I4: a forged result with a stale fence is answered as not applied, and nothing of it is in any run. */
export function checkForgeries({ runs, forgedMarker, forgedReplies }: Evidence): Violation[] {
  const stale = (subject: string, message: string): Violation => ({ invariant: 'I4', subject, message });
  return [
    ...runs
      .filter(({ events }) => events.some(({ data }) => JSON.stringify(data).includes(forgedMarker)))
      .map(({ id }) => stale(id, 'holds the output of a forged result with a stale fence')),
    ...forgedReplies
      .filter(({ applied }) => applied)
      .map(({ runId }) => stale(runId, 'took a forged result with a stale fence')),
  ];
}
