/** DBOS Transact: a library in the process of its caller, over Postgres. Its documented pool of 10, and one of 30 by POOL. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { setTimeout as pause } from 'node:timers/promises';
import { fanoutStepMs, fanoutWidth, serve, stepOutput } from './protocol.js';

const step = (name, work = async () => stepOutput(name)) => DBOS.runStep(work, { name });

const diamond = DBOS.registerWorkflow(
  async () => {
    await step('a');
    await Promise.all(['b', 'c', 'd'].map((name) => step(name)));
    await step('e');
    return await step('f');
  },
  { name: 'diamond' },
);
const fanout = DBOS.registerWorkflow(
  async () => {
    await step('first');
    const middle = Array.from({ length: fanoutWidth }, (_, index) =>
      step(`step-${index}`, async () => {
        await pause(fanoutStepMs);
        return stepOutput(`step-${index}`);
      }),
    );
    await Promise.all(middle);
    return await step('last');
  },
  { name: 'fanout' },
);

DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: process.env.POSTGRES_URL,
  systemDatabasePoolSize: Number(process.env.POOL ?? 10),
  logLevel: 'error',
});
await DBOS.launch();
const run = (workflow) => async (id) => (await DBOS.startWorkflow(workflow, { workflowID: id })()).getResult();
await serve({ diamond: run(diamond), fanout: run(fanout) }, () => DBOS.shutdown());
