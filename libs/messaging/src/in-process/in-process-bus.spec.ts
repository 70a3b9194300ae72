import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@millrace/kernel';
import { FolderBlobs } from '../claim-check/folder-blobs.js';
import { busConformance } from '../conformance/bus.conformance.js';
import type { BusWorld, WorldOptions } from '../conformance/bus-world.js';
import { TransportBus } from '../message-bus.js';
import type { BusProblem } from '../problem.js';
import { requireStream, topologyWith } from '../topology.js';
import { noHeaders } from '../wire/headers.js';
import { InProcessTransport } from './in-process-transport.js';

busConformance('the in-process transport', async (options: WorldOptions = {}): Promise<BusWorld> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  const problems: BusProblem[] = [];
  const report = (problem: BusProblem): void => void problems.push(problem);
  const transport = new InProcessTransport(topologyWith(options.limits), systemClock, report);
  const blobs = options.blobs ?? new FolderBlobs(folder);
  const bus = new TransportBus({ transport, blobs, report, publishTimeoutMs: 1_000 });
  let stored = 0;
  const close = async (): Promise<void> => {
    await bus.drain({ graceMs: 0 });
    await rm(folder, { recursive: true, force: true });
  };
  return {
    connect: () => Promise.resolve(bus),
    storeRaw: async (subject, payload, headers = noHeaders) => {
      const messageId = `raw-${(stored += 1)}`;
      await transport.store(requireStream(subject), { subject, payload, headers, messageId }, 1_000);
    },
    requestRaw: async (subject, payload) =>
      (await transport.request({ subject, payload, headers: noHeaders }, { timeoutMs: 5_000 })).payload,
    problems,
    close,
    [Symbol.asyncDispose]: close,
  };
});
