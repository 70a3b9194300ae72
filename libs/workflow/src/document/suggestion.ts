import { closestMatch } from 'leven';

/** ` Did you mean 'x'?` where a candidate is close to what was written, else nothing. */
export function suggestion(written: string, candidates: readonly string[]): string {
  const maxDistance = Math.min(written.length - 1, Math.max(2, Math.floor(written.length / 3)));
  if (maxDistance < 1) return '';
  const match = closestMatch(written.slice(0, 100), candidates, { maxDistance });
  return match === undefined ? '' : ` Did you mean '${match}'?`;
}
