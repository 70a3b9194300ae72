/** Runs of every policy, and of what may happen to a run. */
import {
  started,
  costs,
  fails,
  step,
  fire,
  begins,
  granted,
  idle,
  careful,
  undone,
  type Scenarios,
} from './scenario-parts.js';
import { completed, failed, graphOf, tool } from './test-run.js';

export const policyScenarios: Scenarios = {
  'time-limits': () => {
    const run = started([
      tool('slow', { timeout: { total: '10m', attempt: '1m', idle: '10s' }, onError: 'continue' }),
      tool('late', { timeout: { total: '5s' }, onError: { goto: 'instead' } }),
      step('instead', ['late'], '${{ nodes.late.error.code }}'),
    ]);
    const early = { type: 'timer', timer: 'timeout', node: 'slow', attempt: 1 } as const;
    run.send({ ...early, now: run.tick(), random: run.random });
    idle(run, 'slow');
    fire(run, 'retry');
    run.result('slow', fails('timeout'));
    fire(run, 'timeout');
    return run;
  },
  'run-limit': () => {
    const run = started([tool('a')], { timeout: '5m' });
    fire(run, 'run-timeout');
    return run;
  },
  'effects-taken-back': () => {
    const run = started([
      tool('one', undone('one')),
      tool('two', undone('two')),
      tool('last', { needs: ['one', 'two'] }),
    ]);
    run.result('two', completed({ result: 2 }));
    run.result('one', completed({ result: 1 }));
    run.result('last', failed('gone', false));
    run.result('one~compensate', failed());
    fire(run, 'retry');
    run.result('one~compensate');
    run.result('two~compensate');
    return run;
  },
  'effects-cancelled': () => {
    const run = started([tool('one', undone('one')), tool('two', undone('two'))]);
    run.result('one', completed({ result: 1 }));
    run.cancel();
    run.result('two', completed({ result: 2 }));
    run.result('two~compensate');
    run.result('one~compensate');
    return run;
  },
  'effects-uncertain': () => {
    const ids = ['happened', 'again', 'not', 'silent'];
    const run = started(ids.map((id) => tool(id, { ...careful, onError: 'continue' })));
    for (const id of ids) begins(run, id);
    begins(run, 'happened', 'two');
    for (const id of ids) run.result(id, fails('timeout'));
    run.decide('happened', 'approve', { data: { output: { result: 7 } } });
    run.decide('again', 'reject', { data: { again: true } });
    run.decide('not', 'reject');
    fire(run, 'retry');
    begins(run, 'again');
    run.result('again');
    fire(run, 'timeout');
    return run;
  },
  'shared-keys': () => {
    const run = started(
      [
        tool('x', { concurrency: [{ key: 'shop-${{ input.shop }}', limit: 2 }] }),
        tool('y', { lane: 'sequential', needs: ['x'] }),
      ],
      {},
      { shop: 'a' },
    );
    granted(run, 'x');
    run.result('x', failed());
    fire(run, 'retry');
    run.result('x');
    granted(run, 'y');
    run.result('y');
    return run;
  },
  'budget-fails': () => {
    const run = started([tool('a'), tool('b', { needs: ['a'] })], { budget: { usd: 1 } });
    run.result('a', costs(1));
    return run;
  },
  'budget-pauses': () => {
    const nodes = ['a', 'b', 'c'].map((id) => tool(id, { estimate: { usd: 0.4 } }));
    const run = started(nodes, { budget: { usd: 1, wallClock: '1h', onExceed: 'pause' } });
    run.result('a', costs(0.4));
    run.result('b', costs(0.4));
    run.resume();
    run.result('c', costs(0.4));
    return run;
  },
  'budget-degrades': () => {
    const run = started([tool('a'), tool('b', { needs: ['a'] }), step('end', ['a'])], {
      budget: { usd: 1, onExceed: 'degrade' },
    });
    run.result('a', costs(2));
    return run;
  },
  paused: () => {
    const run = started([
      tool('a'),
      tool('b', { needs: ['a'] }),
      { id: 'w', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } },
    ]);
    run.pause();
    run.pause();
    run.result('a');
    run.signal('go', null, 'one');
    run.resume();
    run.result('b');
    return run;
  },
  cancelled: () => {
    const run = started([tool('a'), tool('b', { needs: ['a'] })]);
    run.result('a', failed());
    run.cancel();
    run.result('a');
    return run;
  },
  'invalid-input': () =>
    started(
      [tool('a')],
      { input: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } },
      { n: 'x' },
    ),
  retried: () => {
    const run = started([tool('a', { retry: { maxAttempts: 1 } }), tool('b', { needs: ['a'] }), tool('c')], {
      timeout: '1h',
    });
    run.result('c');
    run.result('a', failed());
    run.retry(undefined, 'first');
    run.result('a');
    run.result('b');
    run.retry('c', 'second');
    run.retry('c', 'second');
    run.result('c');
    return run;
  },
  migrated: () => {
    const chain = [
      tool('a'),
      tool('b', { needs: ['a'] }),
      { id: 'w', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } },
    ];
    const run = started(
      chain,
      { input: { type: 'object', properties: { topic: { type: 'string' } } } },
      { topic: 'mills' },
    );
    run.result('a', completed({ result: 1 }));
    const properties = { topic: { type: 'string' }, tone: { type: 'string', default: 'dry' } };
    const other = graphOf([...chain, tool('first'), step('last', ['b', 'w'], '${{ input.tone }}')], {
      input: { type: 'object', properties },
      output: '${{ nodes.last.output }}',
    });
    run.migrate(other);
    run.migrate(other);
    for (const node of ['b', 'first']) run.result(node);
    run.signal('go', null, 'one');
    return run;
  },
  forked: () => {
    const run = started([
      tool('a'),
      tool('risky', { onError: { goto: 'plan-b' } }),
      step('plan-a', ['risky']),
      step('plan-b', ['risky']),
      { ...step('never', ['a']), when: false },
      tool('b', { needs: ['a', 'never'] }),
    ]);
    run.result('a', completed(1));
    // What follows from the failure is held back here, and follows in the fork.
    run.pause();
    run.result('risky', failed('x', false));
    const fork = run.fork('b', { with: { tool: 'echo', arguments: { other: true } } });
    fork.result('b', completed(3));
    return fork;
  },
};
