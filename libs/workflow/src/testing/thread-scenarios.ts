/** Recorded runs of threads. */
import { failed, graphOf, TestRun, tool } from './test-run.js';
import type { Scenarios } from './scenario-parts.js';

function inThread(): TestRun {
  const nodes = [
    tool('say', { with: { tool: 'echo', arguments: { seen: '${{ thread.state }}' } }, retry: { maxAttempts: 1 } }),
    tool('end', { needs: ['say'] }),
  ];
  const run = new TestRun(
    graphOf(nodes, {
      timeout: '1h',
      thread: { onBusy: 'interrupt', state: { turns: '${{ thread.state.?turns.orValue(0) + 1 }}', draft: null } },
      output: ['${{ thread.id }}', '${{ thread.version }}', '${{ thread.state.turns }}'],
    }),
  );
  run.start({}, 'talk');
  return run;
}

export const threadScenarios: Scenarios = {
  thread: () => {
    const run = inThread();
    run.pause();
    run.enter({ turns: 1 }, 1);
    run.resume();
    run.enter({ turns: 2, draft: 'x' }, 2);
    run.enter({ turns: 3 }, 3);
    run.result('say', failed());
    run.retry(undefined, 'again');
    run.enter({ turns: 3 }, 3, 0);
    run.enter({ turns: 4 }, 4, 1);
    run.result('say');
    run.result('end');
    return run;
  },
  'thread-forked': () => {
    const run = inThread();
    run.enter({ turns: 2 }, 2);
    run.result('say');
    const fork = run.fork('end');
    fork.result('end');
    return fork;
  },
};
