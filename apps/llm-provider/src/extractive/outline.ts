import { type Outline, type Passage } from '@millrace/contracts';
import { readBrief, type Brief } from './brief.js';
import { chooseExcerpts } from './excerpts.js';
import { descriptionOf, titleOf, WordUsage } from './naming.js';
import { orderThemes } from './theme-order.js';
import { findThemes } from './sections.js';

/** As many sections as the evidence can fill; an article reads well with three to six. */
const mostSections = 5;

export interface OutlineRequest {
  readonly topic: string;
  readonly keyword: string;
  readonly evidence: readonly Passage[];
}

/**
 * Plans an article from what the evidence speaks about: sections are named after the sources' own headings, or after
 * phrases that they repeat.
 * @throws MillraceError `no_evidence` when the evidence says nothing about the topic.
 */
export function composeOutline(request: OutlineRequest): Outline {
  const brief = readBrief(request);
  const themes = orderThemes(findThemes(brief.index, brief.ranked, brief.topic, sectionsFor(brief)));
  const usage = new WordUsage(brief.sources.flatMap(({ sentences }) => sentences));
  const headings = themes.map(({ heading }) => usage.sentenceCase(heading));
  const leading = chooseExcerpts(brief.index, brief.introductions, [], {
    sentences: 6,
    diversity: 0.5,
    worthAdding: 0,
  });
  return {
    title: titleOf(brief.topic, brief.keyword, headings, usage),
    description: descriptionOf(
      leading.flatMap(({ sentences }) => sentences),
      brief.topic,
      brief.keyword,
    ),
    sections:
      headings.length === 0
        ? [{ heading: 'Overview', query: brief.topic }]
        : headings.map((heading) => ({ heading, query: `${heading} ${brief.topic}` })),
  };
}

/** One section for every four usable sentences. */
function sectionsFor(brief: Brief): number {
  const sentences = new Set(brief.ranked.flatMap(({ excerpt }) => excerpt.sentences)).size;
  return Math.max(1, Math.min(mostSections, Math.floor(sentences / 4)));
}
