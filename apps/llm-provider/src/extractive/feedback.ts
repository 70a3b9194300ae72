/** What the reviews of the last draft ask of the next one, as far as choosing sentences can answer them. */
import type { JsonValue } from '@millrace/kernel';

type Change = -1 | 0 | 1;

export interface Revision {
  /** More or fewer sentences in a section. */
  readonly length: Change;
  readonly sections: Change;
  readonly shorterSentences: boolean;
  /** The keyword should stand where readers look first. */
  readonly keyword: boolean;
  readonly lessRepetition: boolean;
}

export const noRevision: Revision = {
  length: 0,
  sections: 0,
  shorterSentences: false,
  keyword: false,
  lessRepetition: false,
};

const asksForMore =
  /\b(too short|short of|at least|fewer than|less than|below|missing|the least|only \d+|no sub-?headings?|too few|more|longer|expand|lengthen|thin)\b/;
const asksForLess =
  /\b(too long|more than|over|exceeds?|at most|the most|shorten|shorter|cut|trim|too many|fewer|reduce)\b/;
/** Scores from here on are satisfied; their reasons ask for nothing. */
const satisfied = 0.8;

/** @param feedback any JSON: sentences, or the scores of earlier checks with their reasons. */
export function readFeedback(feedback: JsonValue | undefined): Revision {
  return remarksIn(feedback ?? null).reduce<Revision>(
    (revision, remark) => merge(revision, remark.toLowerCase()),
    noRevision,
  );
}

/** Every sentence that finds fault. A check that is satisfied is passed over. */
function remarksIn(value: JsonValue): string[] {
  if (typeof value === 'string') return value.split(/(?<=[.!?\n])\s+/);
  if (Array.isArray(value)) return value.flatMap(remarksIn);
  if (value === null || typeof value !== 'object') return [];
  if (typeof value['score'] === 'number' && value['score'] >= satisfied && !('checks' in value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name === 'article' || name === 'citations') return [];
    return remarksIn(inner).map((remark) => `${name}: ${remark}`);
  });
}

function merge(revision: Revision, remark: string): Revision {
  const change: Change = asksForMore.test(remark)
    ? /\b(more than)\b/.test(remark)
      ? -1
      : 1
    : asksForLess.test(remark)
      ? -1
      : 0;
  if (/\bkeyword\b/.test(remark) && !/\bstuffing\b/.test(remark)) return { ...revision, keyword: true };
  if (/\bwords\b/.test(remark) && /\b(article|draft|text)\b/.test(remark)) return { ...revision, length: change };
  if (/\b(stuffing|repeat|repetition|repetitive|duplicate|redundan)/.test(remark))
    return { ...revision, lessRepetition: true };
  if (/\b(readab|reading ease|long sentences?|sentences? (?:are|is) (?:too )?long|words per sentence)/.test(remark)) {
    return { ...revision, shorterSentences: true };
  }
  if (/\b(descriptions?|meta|titles?)\b/.test(remark)) return revision;
  if (/\b(sections?|headings?|structure)\b/.test(remark)) return { ...revision, sections: change || revision.sections };
  return { ...revision, length: change || revision.length };
}
