/** What the demo shows of a finished article: Markdown with its sources, and a table of scores. */
import type { Article, Check, Citation } from '@millrace/contracts';
import Table from 'cli-table3';
import { printable } from '../terminal/printable.js';

export interface ArticleScores {
  readonly overall: number;
  readonly quality: { readonly score: number; readonly checks: Readonly<Record<string, Check>> };
  readonly seo: { readonly score: number; readonly checks: Readonly<Record<string, Check>> };
  readonly citations: { readonly total: number; readonly resolved: number };
}

/** The article as a Markdown document: title, description, body and the numbered sources with their quotes. */
export function articleDocument(article: Article, citations: readonly Citation[]): string {
  const body = article.markdown.trimStart().startsWith('# ')
    ? article.markdown
    : `# ${article.title}\n\n${article.markdown}`;
  const sources = citations.map(
    ({ marker, source, start, end, quote }) =>
      `${marker}. ${source}, ${start}–${end}: “${quote.replaceAll(/\s+/g, ' ')}”`,
  );
  return `${body.trimEnd()}\n\n## Sources\n\n${sources.join('\n')}\n`;
}

/** A table of every score with its first reason. */
export function scoreTable(scores: ArticleScores, columns: number): string {
  const reasonWidth = Math.max(20, Math.min(columns, 120) - 42);
  const table = new Table({
    head: ['suite', 'check', 'score', 'reason'],
    colWidths: [10, 16, 8, reasonWidth],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const suite of ['quality', 'seo'] as const) {
    for (const [name, check] of Object.entries(scores[suite].checks)) {
      table.push([suite, name, scoreText(check.score), printable(check.reasons[0] ?? '')]);
    }
    table.push([suite, 'all', scoreText(scores[suite].score), '']);
  }
  const { total, resolved } = scores.citations;
  table.push([
    'overall',
    '',
    scoreText(scores.overall),
    `${resolved} of ${total} citations resolve to a stored snapshot`,
  ]);
  return table.toString();
}

const scoreText = (score: number | null): string => (score === null ? 'none' : score.toFixed(2));
