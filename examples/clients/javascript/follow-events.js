/**
 * Prints the events of a tenant as they happen, one JSON object a line.
 *
 *   node follow-events.js                            every event
 *   node follow-events.js 'run.*.v1'                 those of runs: "*" is one name, ">" all that follow
 *   node follow-events.js '>' type=order.placed.v1   by attributes, all of which must match
 */
import { connect } from '@nats-io/transport-node';

const { NATS_URL = 'nats://127.0.0.1:4222', TENANT = 'default' } = process.env;
const [pattern = '>', ...conditions] = process.argv.slice(2);
const wanted = conditions.map((condition) => condition.split(/=(.*)/s, 2));

const nats = await connect({ servers: NATS_URL, maxReconnectAttempts: -1 });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => nats.drain());

const messages = nats.subscribe(`evt.${TENANT}.${pattern}`);
await nats.flush();
console.error(`following evt.${TENANT}.${pattern}`);
for await (const message of messages) {
  const event = eventIn(message);
  if (wanted.every(([name, value]) => event[name] === value)) console.log(JSON.stringify(event));
}

/** CloudEvents in binary mode: an attribute is a header behind "ce-", percent-encoded. The payload is an envelope. */
function eventIn(message) {
  const attributes = [...message.headers].filter(([name]) => name.startsWith('ce-'));
  const event = Object.fromEntries(attributes.map(([name, [value]]) => [name.slice(3), decodeURIComponent(value)]));
  return { ...event, data: message.json().data };
}
