/**
 * A worker of your own with the client of NATS alone: works on the nodes of your graphs that say `kind: worker, worker: prices`.
 *
 *   NATS_URL=nats://127.0.0.1:4222 TENANT=acme node prices.js
 *
 * NATS_USER and NATS_PASSWORD where NATS knows users: `millrace nats-users --worker acme/prices` prints this one.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createInbox } from '@nats-io/transport-node';

const { NATS_URL = 'nats://127.0.0.1:4222', NATS_USER, NATS_PASSWORD, TENANT = 'default' } = process.env;
const worker = 'prices';
const prices = { mug: 9.5, shirt: 24, poster: 12 };

/** The work itself: what the node says in `with` comes in, and what this returns is the node's output. */
function quote({ items }) {
  const lines = items.map(({ sku, count }) => {
    if (!(sku in prices)) throw new PermanentError('unknown_item', `Nobody sells "${sku}".`);
    return { sku, count, amount: prices[sku] * count };
  });
  return { lines, total: lines.reduce((sum, { amount }) => sum + amount, 0) };
}

/** Trying again would give the same. Any other error is tried again as the node's `retry` says. */
class PermanentError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const inboxPrefix = `_INBOX_worker.${TENANT}.${worker}`;
const nats = await connect({
  servers: NATS_URL,
  name: `worker.${TENANT}.${worker}`,
  inboxPrefix,
  maxReconnectAttempts: -1,
  ...(NATS_USER && { user: NATS_USER, pass: NATS_PASSWORD }),
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => nats.drain());

let queue = await open();
const inbox = createInbox(inboxPrefix);
const deliveries = nats.subscribe(inbox);
askForOne();
console.error(`waiting for tasks of ${TENANT}/${worker}`);
for await (const message of deliveries) {
  if (message.subject !== inbox) await workOn(message);
  else if (message.headers?.code !== 408) {
    // The queue is gone, or the server was away: have it opened again. (408: nothing came within the time asked for.)
    await sleep(1_000);
    queue = await open();
  }
  if (!nats.isDraining()) askForOne();
}

/** Has the orchestrator see to it that tasks wait for this worker, and say where. */
async function open() {
  const subject = `cmd.orchestrator.worker.${TENANT}.${worker}.open.v1`;
  return await ask(subject, envelope('orchestrator.worker.open', {}, `open-${randomUUID()}`, null));
}

/** One pull of JetStream: a task comes within thirty seconds, or a status. */
function askForOne() {
  nats.publish(queue.next, JSON.stringify({ batch: 1, expires: 30_000_000_000 }), { reply: inbox });
}

async function workOn(message) {
  const task = message.json();
  const { taskId, runId, node, attempt, input, replyTo } = task.data;
  const stillHere = setInterval(() => nats.publish(message.reply, '+WPI'), queue.ackWaitMs / 3);
  const outcome = await outcomeOf(input);
  const data = { taskId, runId, node, attempt, outcome };
  // The reply comes after the result is stored, and only then may the task be forgotten.
  await ask(replyTo, envelope('task.result', data, task.correlationId, task.id));
  clearInterval(stillHere);
  nats.publish(message.reply, '+ACK');
}

/** A task may come again after a crash. Effects belong under its `taskId`, which is the same then. */
async function outcomeOf(input) {
  try {
    return { status: 'completed', output: await quote(input) };
  } catch (error) {
    const retryable = !(error instanceof PermanentError);
    const kind = retryable ? 'internal' : 'invalid';
    return { status: 'failed', error: { kind, code: error.code ?? 'failed', message: error.message, retryable } };
  }
}

function envelope(type, data, correlationId, causationId) {
  const occurredAt = new Date().toISOString();
  return {
    id: `msg_${randomUUID()}`,
    type,
    version: 1,
    tenantId: TENANT,
    occurredAt,
    correlationId,
    causationId,
    data,
  };
}

/** Asks until there is an answer: the same result sent again changes nothing. */
async function ask(subject, message) {
  for (;;) {
    const reply = await nats.request(subject, JSON.stringify(message), { timeout: 10_000 }).catch(() => undefined);
    const { ok, error } = reply?.json() ?? {};
    if (ok) return ok;
    if (error && !error.retryable) throw new Error(`${error.message} (${error.code})`);
    await sleep(500);
  }
}
