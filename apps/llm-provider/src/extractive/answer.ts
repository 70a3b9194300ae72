import type { Citation, Passage } from '@millrace/contracts';
import { readBrief } from './brief.js';
import { chooseExcerpts } from './excerpts.js';
import { CitationList, writeParagraphs } from './paragraphs.js';

const sentencesOfAnswer = 5;

/**
 * Answers a question with the sentences of the evidence that speak about it.
 * @throws MillraceError `no_evidence`.
 */
export function composeAnswer(
  question: string,
  evidence: readonly Passage[],
): { readonly pieces: readonly string[]; readonly citations: readonly Citation[] } {
  const brief = readBrief({ topic: question, keyword: '', evidence });
  const chosen = chooseExcerpts(brief.index, brief.ranked.slice(0, 80), [], {
    sentences: sentencesOfAnswer,
    diversity: 0.7,
    worthAdding: 0.5,
  });
  const citations = new CitationList();
  return { pieces: writeParagraphs(chosen, citations), citations: citations.all };
}
