/** Headings of source documents, made fit for an article. */
import { isStopWord, termsOf, wordsOf } from '../reading/terms.js';

/** What a section under such a heading holds is about the project's household, not about the topic. */
const householdHeadings = new Set(
  `license licence contributing contributors contribution sponsors sponsor backers acknowledgements acknowledgments credits
  changelog changes history authors author team maintainers badges toc contents links support community donate roadmap todo
  copyright security references related trademark sponsors sponsorship thanks`.split(/\s+/),
);
/** Headings that say nothing without the title above them. */
const genericHeadings = new Set(
  `introduction intro overview usage use using example examples notes note about summary conclusion documentation docs api
  options option parameters creating create writing help first your arguments returns methods details description background basics general more other misc faq
  features feature highlights readme guide guides tutorial quickstart start started installation install installing setup
  motivation goals goal why how what configuration reference`.split(/\s+/),
);

/** A heading without numbering, code marks, emoji and closing punctuation; empty when nothing is left. */
function cleanHeading(heading: string): string {
  const bare = heading
    .replace(/`/g, '')
    .replace(/[\p{Extended_Pictographic}\uFE0F]/gu, '')
    .replace(/^\s*(?:\d+(?:\.\d+)*[.)]?|[ivx]+\.|step \d+:?|chapter \d+:?)\s+/i, '')
    .replace(/\s*(\[[^\]]*\]|#+)\s*$/g, '')
    .replace(/\s+/g, ' ')
    .replace(/[\s.:;,–-]+$/u, '')
    .trim();
  return capitalised(bare);
}

export function isHousehold(heading: string): boolean {
  const words = wordsOf(heading);
  return words.length > 0 && words.length <= 4 && words.some((word) => householdHeadings.has(word));
}

function isGeneric(heading: string): boolean {
  const telling = wordsOf(heading).filter((word) => !isStopWord(word) && !genericHeadings.has(word));
  return telling.length === 0;
}

/** Headings that are code, an address, a version or a shouted label do not head a section of an article. */
function isPresentable(heading: string): boolean {
  const words = wordsOf(heading);
  if (heading.length < 3 || heading.length > 70 || words.length === 0 || words.length > 10) return false;
  if (/[{}<>=|\\/$*@;]|\(\)|\w\.\w+\(|::|_|^v?\d+(\.\d+)+/.test(heading) || /[a-z][A-Z].*\(/.test(heading))
    return false;
  return /\p{L}{3}/u.test(heading) && !/^[a-z]/.test(heading);
}

/** The most telling presentable heading: the innermost that is not generic. */
export function tellingHeading(headings: readonly string[]): string | null {
  for (const heading of headings.toReversed().map(cleanHeading)) {
    if (isPresentable(heading) && !isGeneric(heading)) return heading;
  }
  return null;
}

/** Share of shared terms among all terms of both, 0 to 1. */
export function headingSimilarity(left: string, right: string): number {
  const leftTerms = new Set(termsOf(left));
  const rightTerms = new Set(termsOf(right));
  const union = new Set([...leftTerms, ...rightTerms]).size;
  return union === 0 ? 0 : [...leftTerms].filter((term) => rightTerms.has(term)).length / union;
}

/** Whether a heading adds nothing to the words of the topic. */
export function repeatsTopic(heading: string, topic: string): boolean {
  const known = new Set(termsOf(topic));
  return wordsOf(heading).every(
    (word) => isStopWord(word) || genericHeadings.has(word) || known.has(termsOf(word)[0] ?? word),
  );
}

/** With its first letter in upper case, unless the first word is spelled with capitals inside (`iOS`, `gRPC`). */
export function capitalised(text: string): string {
  const firstWord = text.split(' ')[0] ?? '';
  if (/\p{Lu}/u.test(firstWord.slice(1))) return text;
  return text.charAt(0).toLocaleUpperCase('en') + text.slice(1);
}
