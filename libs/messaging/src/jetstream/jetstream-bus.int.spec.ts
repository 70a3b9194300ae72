import { afterAll, beforeAll } from '@jest/globals';
import { startNatsServer, type NatsServer } from '@millrace/testing';
import { headers as newHeaders } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { busConformance } from '../conformance/bus.conformance.js';
import type { BusWorld, WorldOptions } from '../conformance/bus-world.js';
import type { BusProblem } from '../problem.js';
import { noHeaders } from '../wire/headers.js';
import { connectJetStream, type JetStreamBus } from './connect-jetstream.js';

let shared: NatsServer;
beforeAll(async () => {
  shared = await startNatsServer({ exclusive: true });
});
afterAll(() => shared.stop());

busConformance('JetStream', async ({ limits, blobs }: WorldOptions = {}): Promise<BusWorld> => {
  // Streams with other limits need a server of their own.
  const server = limits === undefined ? shared : await startNatsServer({ exclusive: true });
  const problems: BusProblem[] = [];
  const buses: JetStreamBus[] = [];
  const raw = await connect({ servers: server.url });
  const close = async (): Promise<void> => {
    await Promise.all(buses.map((bus) => bus.drain({ graceMs: 0 })));
    await raw.close();
    if (server !== shared) await server.stop();
  };
  return {
    connect: async () => {
      const onProblem = (problem: BusProblem): void => void problems.push(problem);
      const bus = await connectJetStream({ servers: server.url, name: 'conformance', limits, blobs, onProblem });
      buses.push(bus);
      return bus;
    },
    storeRaw: async (subject, payload, headers = noHeaders) => {
      const natsHeaders = newHeaders();
      for (const [name, value] of Object.entries(headers)) natsHeaders.set(name, value);
      await raw.request(subject, payload, { timeout: 5_000, headers: natsHeaders });
    },
    requestRaw: async (subject, payload) => (await raw.request(subject, payload, { timeout: 5_000 })).data,
    problems,
    close,
    [Symbol.asyncDispose]: close,
  };
});
