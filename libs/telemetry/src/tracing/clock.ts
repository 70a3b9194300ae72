/**
 * The time of spans: milliseconds since 1970 with fractions. The system's clock alone is too coarse to tell siblings apart,
 * and the monotonic one alone drifts away from that of other machines.
 */
const toleratedDriftMs = 2;
let origin = Date.now() - performance.now();

export function spanTime(): number {
  const fine = origin + performance.now();
  const coarse = Date.now();
  if (Math.abs(fine - coarse) <= toleratedDriftMs) return fine;
  origin = coarse - performance.now();
  return coarse;
}
