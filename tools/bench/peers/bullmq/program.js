/**
 * BullMQ flows over a Redis that writes every command to disk before it answers, so that as much survives as elsewhere. A
 * flow is a tree, so job `a` adds the flow `f <- e <- b, c, d` when it is done; between the two a crash loses the run.
 */
import { FlowProducer, Queue, Worker } from 'bullmq';
import { setTimeout as pause } from 'node:timers/promises';
import { fanoutStepMs, fanoutWidth, serve, stepOutput } from './protocol.js';

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const queueName = 'graphs';
const opts = { removeOnComplete: { count: 20_000 } };
const queue = new Queue(queueName, { connection });
const flows = new FlowProducer({ connection });
const waiting = new Map();

const job = (name, id, children) => ({ name, queueName, data: { id }, opts, ...(children && { children }) });
const flowAfter = {
  a: (id) =>
    job('f', id, [
      job(
        'e',
        id,
        ['b', 'c', 'd'].map((name) => job(name, id)),
      ),
    ]),
  first: (id) =>
    job(
      'last',
      id,
      Array.from({ length: fanoutWidth }, (_, index) => job(`step-${index}`, id)),
    ),
};

const worker = new Worker(
  queueName,
  async ({ name, data: { id } }) => {
    if (flowAfter[name]) await flows.add(flowAfter[name](id));
    if (name.startsWith('step-')) await pause(fanoutStepMs);
    return stepOutput(name);
  },
  { connection, concurrency: 400 },
);
worker.on('completed', ({ name, data: { id } }, output) => {
  if (name === 'f' || name === 'last') waiting.get(id)?.(output);
});
worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
await worker.waitUntilReady();

const run = (first) => async (id) => {
  const { promise, resolve } = Promise.withResolvers();
  waiting.set(id, resolve);
  await queue.add(first, { id }, opts);
  const output = await promise;
  waiting.delete(id);
  return output;
};
await serve({ diamond: run('a'), fanout: run('first') }, async () => {
  await Promise.all([worker.close(), queue.close(), flows.close()]);
});
