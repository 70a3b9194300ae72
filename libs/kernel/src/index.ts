export { systemClock, type Clock } from './clock.js';
export {
  assertNever,
  invalidInput,
  MillraceError,
  notFound,
  toMillraceError,
  type ErrorKind,
  type ErrorShape,
  type Violation,
} from './errors.js';
export { InFlight } from './in-flight.js';
export { newId, sha256Hex } from './ids.js';
export type { JsonObject, JsonValue } from './json.js';
export { roughSize, sizeUpTo } from './rough-size.js';
