/** The suites: which checks each runs, and what they weigh. */
import type { InputOf, evaluateTask } from '@millrace/contracts';
import { readArticle } from '../article/article-text.js';
import { checkCitations, type Resolutions } from '../quality/citations.js';
import { checkFaithfulness } from '../quality/faithfulness.js';
import { checkReadability } from '../quality/readability.js';
import { checkStructure } from '../quality/structure.js';
import { checkHeadings } from '../seo/headings.js';
import { checkKeyword } from '../seo/keyword.js';
import { checkMeta } from '../seo/meta.js';
import { decideGate, type GateDecision } from './gate.js';

export type EvaluateInput = InputOf<typeof evaluateTask>;

/** Citations must all resolve: the gate stays shut for an article with one invented source, however well it reads. */
export function evaluateQuality(input: EvaluateInput, resolutions: Resolutions): GateDecision {
  const text = readArticle(input.article.markdown);
  return decideGate(
    [
      { name: 'citations', weight: 3, minimum: 1, check: checkCitations(text, input.citations, resolutions) },
      { name: 'faithfulness', weight: 3, check: checkFaithfulness(text, input.citations, input.evidence) },
      { name: 'readability', weight: 1, check: checkReadability(text) },
      { name: 'structure', weight: 2, check: checkStructure(input.article, text) },
    ],
    input.threshold,
  );
}

export function evaluateSeo(input: EvaluateInput): GateDecision {
  const text = readArticle(input.article.markdown);
  const keyword = input.keyword?.trim();
  return decideGate(
    [
      ...(keyword ? [{ name: 'keyword', weight: 3, check: checkKeyword(keyword, input.article, text) }] : []),
      { name: 'meta', weight: 2, check: checkMeta(input.article) },
      { name: 'headings', weight: 1, check: checkHeadings(text) },
    ],
    input.threshold,
  );
}
