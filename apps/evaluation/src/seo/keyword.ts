import type { Article, Check } from '@millrace/contracts';
import { stemmer } from 'stemmer';
import { type ArticleText, wordsOf } from '../article/article-text.js';
import { scoreRules } from '../evaluate/rules.js';

/** More repetitions than this share of the words read as stuffing. */
const densest = 0.04;

/** Whether the keyword stands where a search engine and a reader look for it, and not too often. Words are compared by stem. */
export function checkKeyword(keyword: string, article: Article, text: ArticleText): Check {
  const stems = stemsOf(keyword);
  const introduction = text.sections.find((section) => section.paragraphs.length > 0)?.paragraphs[0] ?? [];
  const opening = introduction.map((sentence) => sentence.text).join(' ');
  const headings = text.sections.filter((section) => section.depth >= 2).map((section) => section.heading);
  const occurrences = countPhrase(
    stems,
    text.words.map((word) => stemmer(word)),
  );
  const density = (occurrences * stems.length) / Math.max(1, text.words.length);
  return scoreRules(
    [
      { holds: holdsAll(stems, article.title), problem: 'The title does not hold the keyword.', weight: 3 },
      { holds: holdsAll(stems, opening), problem: 'The first paragraph does not hold the keyword.', weight: 2 },
      { holds: headings.some((heading) => holdsAll(stems, heading)), problem: 'No heading holds the keyword.' },
      { holds: holdsAll(stems, article.description), problem: 'The description does not hold the keyword.' },
      {
        holds: holdsAll(stems, text.sentences.map((sentence) => sentence.text).join(' ')),
        problem: 'The text does not hold the keyword.',
        weight: 2,
      },
      {
        holds: density <= densest,
        problem: `The keyword makes up ${(density * 100).toFixed(1)} % of the text, which reads as stuffing.`,
      },
    ],
    `“${keyword}” stands in title, opening, heading and description.`,
  );
}

const stemsOf = (text: string): string[] => wordsOf(text).map((word) => stemmer(word));

/** Whether each word of the keyword occurs, in any order. */
function holdsAll(stems: readonly string[], text: string): boolean {
  const found = new Set(stemsOf(text));
  return stems.length > 0 && stems.every((stem) => found.has(stem));
}

function countPhrase(phrase: readonly string[], words: readonly string[]): number {
  if (phrase.length === 0) return 0;
  let count = 0;
  for (let start = 0; start + phrase.length <= words.length; start += 1) {
    if (phrase.every((stem, offset) => words[start + offset] === stem)) count += 1;
  }
  return count;
}
