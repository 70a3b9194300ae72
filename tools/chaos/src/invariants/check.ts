import {
  checkAnnouncements,
  checkCancels,
  checkDrains,
  checkIdempotency,
  checkOverload,
  checkStreams,
} from './clients.js';
import { checkApplications, checkCompletions, checkEffects, checkForgeries } from './effects.js';
import type { Evidence, Violation } from './evidence.js';
import { checkEnds, checkHistories } from './run-events.js';

const checks: readonly ((evidence: Evidence) => Violation[])[] = [
  checkEnds,
  checkHistories,
  checkEffects,
  checkApplications,
  checkCompletions,
  checkForgeries,
  checkIdempotency,
  checkStreams,
  checkOverload,
  checkDrains,
  checkCancels,
  checkAnnouncements,
];

/** Everything that the evidence says is broken. Pure. */
export const violationsIn = (evidence: Evidence): Violation[] => checks.flatMap((check) => check(evidence));
