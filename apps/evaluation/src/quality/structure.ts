import type { Article, Check } from '@millrace/contracts';
import type { ArticleText } from '../article/article-text.js';
import { scoreRules } from '../evaluate/rules.js';

const fewestWords = 120;
const longestParagraph = 200;

/** Whether the article is built like one: a title, an introduction, sections that are not empty, paragraphs of a sensible size. */
export function checkStructure(article: Article, text: ArticleText): Check {
  const sections = text.sections.filter((section) => section.depth >= 2);
  const introduction = text.sections.filter((section) => section.depth < 2).flatMap((section) => section.paragraphs);
  const empty = sections.filter((section, index) => section.paragraphs.length === 0 && !hasChildren(sections, index));
  const headings = sections.map((section) => section.heading.toLowerCase());
  const longest = Math.max(0, ...text.sections.flatMap(paragraphLengths));
  return scoreRules(
    [
      { holds: article.title.trim().length > 0, problem: 'There is no title.', weight: 2 },
      { holds: introduction.length > 0, problem: 'There is no introduction before the first section.' },
      { holds: sections.length >= 2, problem: `There are ${sections.length} sections; two are the least.`, weight: 2 },
      { holds: empty.length === 0, problem: `Empty section: ${empty[0]?.heading ?? ''}.` },
      { holds: new Set(headings).size === headings.length, problem: 'Two sections have the same heading.' },
      { holds: !skipsLevel(text), problem: 'A heading skips a level.' },
      {
        holds: longest <= longestParagraph,
        problem: `A paragraph has ${longest} words; ${longestParagraph} are the most.`,
      },
      {
        holds: text.words.length >= fewestWords,
        problem: `The article has ${text.words.length} words; ${fewestWords} are the least.`,
        weight: 2,
      },
    ],
    `${sections.length} sections, ${text.words.length} words.`,
  );
}

type Section = ArticleText['sections'][number];

const paragraphLengths = (section: Section): number[] =>
  section.paragraphs.map((paragraph) => paragraph.reduce((sum, sentence) => sum + sentence.words.length, 0));

const hasChildren = (sections: readonly Section[], index: number): boolean =>
  (sections[index + 1]?.depth ?? 0) > (sections[index]?.depth ?? 0);

function skipsLevel(text: ArticleText): boolean {
  const depths = text.sections.map((section) => section.depth).filter((depth) => depth > 0);
  return depths.some((depth, index) => index > 0 && depth > (depths[index - 1] ?? 0) + 1);
}
