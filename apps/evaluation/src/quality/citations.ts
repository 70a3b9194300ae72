import type { Check, Citation, ResponseOf, resolveCitations } from '@millrace/contracts';
import type { ArticleText } from '../article/article-text.js';
import { scored } from '../evaluate/gate.js';

export type Resolutions = ResponseOf<typeof resolveCitations>['resolutions'];

/**
 * Whether the article's sources exist: the share of its markers that have a citation which the research service found
 * in a stored snapshot, word for word. An article without any citation scores 0.
 */
export function checkCitations(article: ArticleText, citations: readonly Citation[], resolutions: Resolutions): Check {
  const resolved = new Set(resolutions.filter((resolution) => resolution.resolved).map(({ marker }) => marker));
  const named = new Set(citations.map(({ marker }) => marker));
  const used = new Set(article.sentences.flatMap((sentence) => sentence.markers));
  if (used.size === 0) return scored(0, ['The article cites nothing.']);
  const good = [...used].filter((marker) => named.has(marker) && resolved.has(marker));
  const reasons = [`${good.length} of ${used.size} cited sources resolve to a stored snapshot.`];
  for (const marker of used) if (!named.has(marker)) reasons.push(`[${marker}] has no citation.`);
  for (const { marker, resolved: found, reason } of resolutions) {
    if (!found) reasons.push(`[${marker}] does not resolve: ${(reason ?? 'unknown reason').replace(/\.$/, '')}.`);
  }
  return scored(good.length / used.size, reasons);
}
