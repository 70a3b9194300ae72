import type { Check } from '@millrace/contracts';
import type { ArticleText } from '../article/article-text.js';
import { scoreRules } from '../evaluate/rules.js';

const longestHeading = 90;

/** Whether the headings tell a reader who skims, and a crawler, what the page is about. */
export function checkHeadings(text: ArticleText): Check {
  const first = text.sections.filter((section) => section.depth === 1);
  const headings = text.sections.filter((section) => section.depth >= 2).map((section) => section.heading);
  const longest = Math.max(0, ...headings.map((heading) => heading.length));
  return scoreRules(
    [
      { holds: first.length <= 1, problem: `There are ${first.length} headings of the first level; one is the most.` },
      { holds: headings.length >= 2, problem: `There are ${headings.length} section headings; two are the least.` },
      {
        holds: longest <= longestHeading,
        problem: `A heading has ${longest} characters; ${longestHeading} are the most.`,
      },
      { holds: headings.every((heading) => heading.trim() !== ''), problem: 'A heading is empty.' },
    ],
    `${headings.length} section headings.`,
  );
}
