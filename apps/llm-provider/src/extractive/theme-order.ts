import { termsOf } from '../reading/terms.js';
import type { Theme } from './sections.js';

/** Where in an article a heading belongs, by its words: what it is, why, how, in detail, when it goes wrong. */
const stages: readonly (readonly string[])[] = [
  ['overview', 'introduction', 'concept', 'definition', 'basics', 'background', 'history', 'principle', 'what'],
  ['motivation', 'reason', 'benefit', 'advantage', 'goal', 'purpose', 'problem', 'why'],
  ['architecture', 'design', 'model', 'structure', 'component', 'mechanism', 'lifecycle', 'life', 'flow', 'how'],
];
const lateStages: readonly (readonly string[])[] = [
  ['configuration', 'performance', 'scaling', 'monitoring', 'testing', 'deployment', 'operation', 'security'],
  [
    'limitation',
    'caveat',
    'trap',
    'pitfall',
    'error',
    'failure',
    'trouble',
    'troubleshooting',
    'drawback',
    'migration',
    'alternative',
    'comparison',
    'future',
  ],
];
const middle = stages.length;

/** From the general to the particular; within a stage as the main source has them, then by worth. */
export function orderThemes(themes: readonly Theme[]): Theme[] {
  const firstPlace = (theme: Theme) =>
    Math.min(...theme.excerpts.map(({ excerpt }) => excerpt.paragraph.passage.start));
  const sourceOf = (theme: Theme) => theme.excerpts[0]?.excerpt.paragraph.passage.documentId;
  const mainSource = themes[0] && sourceOf(themes[0]);
  return themes.toSorted((left, right) => {
    const byStage = stageOf(left.heading) - stageOf(right.heading);
    if (byStage !== 0) return byStage;
    const bothMain = sourceOf(left) === mainSource && sourceOf(right) === mainSource;
    return bothMain ? firstPlace(left) - firstPlace(right) : right.score - left.score;
  });
}

function stageOf(heading: string): number {
  const terms = new Set([...termsOf(heading), heading.toLowerCase().split(' ')[0] ?? '']);
  const within = (words: readonly string[]) => words.some((word) => terms.has(termsOf(word)[0] ?? word));
  const early = stages.findIndex(within);
  if (early !== -1) return early;
  const late = lateStages.findIndex(within);
  return late === -1 ? middle : middle + 1 + late;
}
