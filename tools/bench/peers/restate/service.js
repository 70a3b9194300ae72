/** The steps, each of them recorded by Restate. */
import { RestatePromise, serve, service } from '@restatedev/restate-sdk';
import { setTimeout as pause } from 'node:timers/promises';
import { fanoutStepMs, fanoutWidth, stepOutput } from './protocol.js';

const graphs = service({
  name: 'graphs',
  handlers: {
    diamond: async (context) => {
      const step = (name) => context.run(name, async () => stepOutput(name));
      await step('a');
      await RestatePromise.all([step('b'), step('c'), step('d')]);
      await step('e');
      return await step('f');
    },
    fanout: async (context) => {
      await context.run('first', async () => stepOutput('first'));
      const middle = Array.from({ length: fanoutWidth }, (_, index) =>
        context.run(`step-${index}`, async () => {
          await pause(fanoutStepMs);
          return stepOutput(`step-${index}`);
        }),
      );
      await RestatePromise.all(middle);
      return await context.run('last', async () => stepOutput('last'));
    },
  },
});
serve({ services: [graphs], port: Number(process.env.PORT) });
