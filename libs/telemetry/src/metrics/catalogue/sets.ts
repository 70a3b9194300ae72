/** Sets of label values and buckets that several metrics share. */
import type { ErrorKind } from '@millrace/kernel';
import { oneOf, upTo } from '../label-values.js';

const kinds: Readonly<Record<ErrorKind, true>> = {
  invalid: true,
  unauthenticated: true,
  forbidden: true,
  'not-found': true,
  conflict: true,
  mismatch: true,
  'too-large': true,
  unsupported: true,
  overloaded: true,
  unavailable: true,
  timeout: true,
  cancelled: true,
  internal: true,
};

/** The kind of an error; empty, and so not there, where there was none. */
export const errorKinds = oneOf('', ...(Object.keys(kinds) as ErrorKind[]));

export const subjectTemplates = upTo(200, 'the subjects of the contracts, with `*` for tenants, runs and partitions');
export const taskKinds = upTo(50, 'the kinds of tasks that this process works on');
export const consumerGroups = upTo(200, 'the durable names of the services and workers of this installation');
export const serviceNames = upTo(20, 'the names of the services');
export const errorCodes = upTo(200, 'the stable codes of errors');

/** Seconds: from what a function call takes to what a person waits for. */
export const durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds: from a statement to a day. */
export const longDurationBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200, 86_400];
