/** What every adapter of the bus must hold, in tests: `busConformance('JetStream', open)` in a spec runs all of it. */
import { describe } from '@jest/globals';
import type { OpenWorld } from './bus-world.js';
import { consumingConformance } from './consuming.conformance.js';
import { deadLettersConformance } from './dead-letters.conformance.js';
import { drainingConformance } from './draining.conformance.js';
import { followingConformance } from './following.conformance.js';
import { inspectingConformance } from './inspecting.conformance.js';
import { largePayloadsConformance } from './large-payloads.conformance.js';
import { publishingConformance } from './publishing.conformance.js';
import { readingConformance } from './reading.conformance.js';
import { requestingConformance } from './requesting.conformance.js';
import { tracingConformance } from './tracing.conformance.js';

export function busConformance(adapter: string, open: OpenWorld): void {
  describe(`the bus over ${adapter}`, () => {
    publishingConformance(open);
    consumingConformance(open);
    deadLettersConformance(open);
    requestingConformance(open);
    followingConformance(open);
    readingConformance(open);
    largePayloadsConformance(open);
    inspectingConformance(open);
    drainingConformance(open);
    describe('traces', () => tracingConformance(open));
  });
}
