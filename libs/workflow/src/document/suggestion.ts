import { closestMatch } from 'leven';
import { limits } from '../limits.js';

/** Suggests for as many mistakes as are reported, and then for none: each suggestion looks at every candidate. */
export function suggester(candidates: readonly string[]): (written: string) => string {
  let left = limits.violations;
  return (written) => {
    left -= 1;
    return left < 0 ? '' : suggestion(written, candidates);
  };
}

/** ` Did you mean 'x'?` where a candidate is close to what was written, else nothing. */
export function suggestion(written: string, candidates: readonly string[]): string {
  const maxDistance = Math.min(written.length - 1, Math.max(2, Math.floor(written.length / 3)));
  if (maxDistance < 1) return '';
  const match = closestMatch(written.slice(0, 100), candidates, { maxDistance });
  return match === undefined ? '' : ` Did you mean '${match}'?`;
}
