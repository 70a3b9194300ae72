import { countTerms, termsOf } from './terms.js';

/**
 * The terms under which a passage is found, and how often each counts. Title and headings count once more than
 * they occur: measured on two test collections, that ranks better than the text alone, and a passage deep inside a
 * document is found by what the document is about.
 */
export function indexedTerms(passage: {
  readonly text: string;
  readonly title: string;
  readonly headings: readonly string[];
}): Map<string, number> {
  const context = new Set([passage.title, ...passage.headings]);
  return countTerms([passage.text, ...context].flatMap(termsOf));
}
