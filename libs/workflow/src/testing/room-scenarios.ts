/** Recorded runs that hold keys as a whole. */
import type { Scenarios } from './scenario-parts.js';
import { failed, graphOf, TestRun, tool } from './test-run.js';

const admit = (run: TestRun, attempt = 0) => run.send({ type: 'slots-granted', node: '', attempt, now: run.tick() });

export const roomScenarios: Scenarios = {
  'whole-run-keys': () => {
    const nodes = [tool('say', { retry: { maxAttempts: 1 } }), tool('end', { needs: ['say'] })];
    const run = new TestRun(
      graphOf(nodes, { timeout: '1h', concurrency: [{ key: 'shop-${{ input.shop }}', limit: 2 }] }),
    );
    run.start({ shop: 'a' });
    run.pause();
    admit(run);
    run.resume();
    admit(run);
    admit(run);
    run.result('say', failed());
    run.retry(undefined, 'again');
    admit(run);
    admit(run, 1);
    run.result('say');
    run.result('end');
    return run;
  },
};
