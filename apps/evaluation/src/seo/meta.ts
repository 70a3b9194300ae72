import type { Article, Check } from '@millrace/contracts';
import { scoreRules } from '../evaluate/rules.js';

/** Lengths in characters that a page of search results shows whole. */
const title = { least: 15, most: 65 };
const description = { least: 70, most: 160 };

/** Whether title and description can stand on a page of search results. */
export function checkMeta(article: Article): Check {
  const titleLength = article.title.length;
  const descriptionLength = article.description.length;
  return scoreRules(
    [
      {
        holds: titleLength >= title.least,
        problem: `The title has ${titleLength} characters; ${title.least} are the least.`,
      },
      {
        holds: titleLength <= title.most,
        problem: `The title has ${titleLength} characters; ${title.most} are shown.`,
      },
      {
        holds: descriptionLength >= description.least,
        problem: `The description has ${descriptionLength} characters; ${description.least} are the least.`,
      },
      {
        holds: descriptionLength <= description.most,
        problem: `The description has ${descriptionLength} characters; ${description.most} are shown.`,
      },
      { holds: article.description.trim() !== article.title.trim(), problem: 'The description repeats the title.' },
    ],
    `Title ${titleLength} and description ${descriptionLength} characters long.`,
  );
}
