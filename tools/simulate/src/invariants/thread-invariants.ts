/** What must hold of threads whenever a run comes to its turn. */
import type { RunHistory } from './run-history.js';

type Fail = (invariant: string, says: string, how: string) => void;

/** One run is under way in a thread at a time, and knows what all before it have written. */
export function checkTurn(entered: RunHistory, runs: readonly RunHistory[], fail: Fail): void {
  const { thread, state } = entered;
  const others = runs.filter((run) => run !== entered && run.thread === thread);
  if (others.length > 0)
    fail('threads', 'one run is under way in a thread at a time', [entered, ...others].map(({ text }) => text).join());
  const seen = state.status === 'running' ? state.thread?.state['runs'] : undefined;
  const [tenant] = entered.text.split('/');
  const written = runs
    .filter(({ text }) => text.startsWith(`${tenant}/`))
    .flatMap(({ events }) => events)
    .filter((event) => event.type === 'RunCompleted' && event.data.threadPatch !== undefined).length;
  if ((seen ?? 0) !== written)
    fail(
      'threads',
      'a run knows what those before it wrote',
      `${entered.text} knows of ${JSON.stringify(seen)} of ${written}`,
    );
}
