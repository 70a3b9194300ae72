/**
 * Starts a run by a command, waits for its end by its events, and prints the event of its end.
 *
 *   node start-run.js diamond
 *   node start-run.js content '{"topic": "durable execution", "collection": "guides"}'
 */
import { randomUUID } from 'node:crypto';
import { connect } from '@nats-io/transport-node';

const { NATS_URL = 'nats://127.0.0.1:4222', TENANT = 'default' } = process.env;
const [graph, input = '{}'] = process.argv.slice(2);
if (graph === undefined) {
  console.error('usage: node start-run.js GRAPH [INPUT]');
  process.exit(64);
}

/** The same id again is the same run, so a command that was not answered may be sent again. */
const runId = `run_${randomUUID().replaceAll('-', '')}`;
const command = {
  id: `msg_${randomUUID()}`,
  type: 'orchestrator.run.start',
  version: 1,
  tenantId: TENANT,
  occurredAt: new Date().toISOString(),
  correlationId: `start-run-${randomUUID()}`,
  causationId: null,
  data: { runId, graph, input: JSON.parse(input) },
};

const nats = await connect({ servers: NATS_URL });
// Before the command, so that the end cannot be missed.
const events = nats.subscribe(`evt.${TENANT}.run.*.v1`);
const reply = await nats.request('cmd.orchestrator.run.start.v1', JSON.stringify(command), { timeout: 10_000 });
const { ok: run, error } = reply.json();
if (error) {
  console.error(`${error.message} (${error.code})`);
  process.exit(1);
}
console.error(`${run.id} is ${run.status}`);

const ends = ['millrace.run.completed.v1', 'millrace.run.failed.v1', 'millrace.run.cancelled.v1'];
for await (const message of events) {
  const type = message.headers.get('ce-type');
  if (message.headers.get('ce-subject') !== runId || !ends.includes(type)) continue;
  console.log(JSON.stringify({ type, data: message.json().data }));
  process.exitCode = type === ends[0] ? 0 : 1;
  break;
}
await nats.close();
