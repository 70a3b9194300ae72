import type { Article, Citation, Outline, Passage } from '@millrace/contracts';
import { noEvidence, readBrief, sortByScore, type Brief } from './brief.js';
import { chooseExcerpts, scoreExcerpt, type Excerpt, type ScoredExcerpt } from './excerpts.js';
import { type Revision } from './feedback.js';
import { capitalised, headingSimilarity, tellingHeading } from './headings.js';
import { descriptionOf, mentions, titleOf, WordUsage } from './naming.js';
import { writeParagraphs, CitationList } from './paragraphs.js';

export interface ArticleRequest {
  readonly topic: string;
  readonly keyword: string;
  readonly outline: Outline;
  readonly evidence: readonly Passage[];
  readonly revision: Revision;
}

export interface CitedArticle {
  readonly article: Article;
  readonly citations: readonly Citation[];
  /** The Markdown in pieces, as it would be written: title, paragraphs, headings. */
  readonly pieces: readonly string[];
}

interface Section {
  readonly heading: string;
  readonly excerpts: readonly Excerpt[];
}

/** With fewer sections than this even one of a single sentence is kept. */
const fewestSections = 3;
/** Candidates looked at for one section. */
const poolForSection = 80;

/**
 * Writes an article of the evidence's own sentences, each with the marker of its citation.
 * @throws MillraceError `no_evidence` when the evidence says nothing about the topic.
 */
export function composeArticle(request: ArticleRequest): CitedArticle {
  const brief = readBrief(request);
  const style = styleOf(request.revision);
  const ranked = style.shortSentences ? sortByScore(brief.ranked.map(preferShort)) : brief.ranked;
  const introduction = introduce(brief, request.revision, style);
  const sections = fillSections(brief, ranked, request.outline, introduction, style);
  if (introduction.length === 0 && sections.length === 0) throw noEvidence(request.topic);
  return print(request, brief, introduction, sections);
}

interface Style {
  readonly introduction: number;
  readonly sentencesPerSection: number;
  readonly sections: number;
  readonly diversity: number;
  readonly worthAdding: number;
  readonly shortSentences: boolean;
}

function styleOf(revision: Revision): Style {
  return {
    introduction: 3,
    sentencesPerSection: 5 + 2 * revision.length,
    sections: 6 + revision.sections,
    worthAdding: revision.length > 0 ? 0.25 : 0.5,
    diversity: revision.lessRepetition ? 0.95 : 0.7,
    shortSentences: revision.shorterSentences,
  };
}

function preferShort({ excerpt, score }: ScoredExcerpt): ScoredExcerpt {
  const longest = Math.max(...excerpt.sentences.map(({ text }) => text.split(' ').length));
  return { excerpt, score: longest > 22 ? score * 0.6 : score };
}

/** The best opening, what its own paragraph goes on to say, and only then what others say as well. */
function introduce({ index, keyword, ...brief }: Brief, revision: Revision, style: Style): Excerpt[] {
  const holdsKeyword = ({ excerpt }: ScoredExcerpt) =>
    mentions(excerpt.sentences.map(({ text }) => text).join(' '), keyword);
  const wanted = revision.keyword ? brief.introductions.filter(holdsKeyword) : [];
  const introductions = wanted.length > 0 ? wanted : brief.introductions;
  const opening = chooseExcerpts(index, introductions.slice(0, 1), [], { ...style, sentences: 3 });
  const [first] = opening;
  const room = style.introduction - (first?.sentences.length ?? 0);
  const sameMatter = introductions.filter(({ excerpt }) => excerpt.paragraph.passage === first?.paragraph.passage);
  const more = chooseExcerpts(index, sameMatter, opening, { ...style, sentences: room });
  if (more.length > 0) return [...opening, ...more];
  const rest = introductions.slice(0, poolForSection);
  return [...opening, ...chooseExcerpts(index, rest, opening, { ...style, sentences: room, worthAdding: 0.6 })];
}

/** Every excerpt serves the section that it fits best; each section takes its best, none repeats another. */
function fillSections(
  brief: Brief,
  ranked: readonly ScoredExcerpt[],
  outline: Outline,
  introduction: readonly Excerpt[],
  style: Style,
): Section[] {
  const headings = outline.sections.slice(0, style.sections);
  const queries = headings.map(({ heading, query }) =>
    brief.index.query({ text: heading, weight: 1 }, { text: query, weight: 0.35 }),
  );
  const candidates: ScoredExcerpt[][] = headings.map(() => []);
  for (const { excerpt, score } of ranked) {
    const fits = headings.map(({ heading }, place) =>
      fitOf(brief, excerpt, heading, queries[place] ?? new Map<string, number>()),
    );
    const best = fits.indexOf(Math.max(...fits));
    candidates[best]?.push({ excerpt, score: 0.45 * score + 0.55 * (fits[best] ?? 0) });
  }
  const taken = [...introduction];
  const filled = headings.flatMap(({ heading }, place) => {
    const pool = sortByScore(candidates[place] ?? []).slice(0, poolForSection);
    const limits = { ...style, sentences: style.sentencesPerSection };
    const excerpts = chooseExcerpts(brief.index, pool, taken, limits);
    taken.push(...excerpts);
    return excerpts.length === 0 ? [] : [{ heading, excerpts }];
  });
  const full = filled.filter(({ excerpts }) => excerpts.reduce((sum, { sentences }) => sum + sentences.length, 0) > 1);
  return full.length >= fewestSections ? full : filled;
}

function fitOf(brief: Brief, excerpt: Excerpt, heading: string, query: ReadonlyMap<string, number>): number {
  const own = tellingHeading(excerpt.paragraph.headings);
  const underHeading = own === null ? 0 : headingSimilarity(own, heading);
  return 0.6 * scoreExcerpt(brief.index, query, excerpt) + 0.4 * underHeading;
}

function print(
  request: ArticleRequest,
  brief: Brief,
  introduction: readonly Excerpt[],
  sections: readonly Section[],
): CitedArticle {
  const usage = new WordUsage(brief.sources.flatMap(({ sentences }) => sentences));
  const headings = withKeyword(request, sections, usage);
  const title = titleOf(request.topic, request.keyword, headings, usage);
  const citations = new CitationList();
  const pieces = [
    `# ${title}`,
    ...writeParagraphs(introduction, citations),
    ...sections.flatMap(({ excerpts }, place) => [
      `## ${headings[place] ?? ''}`,
      ...writeParagraphs(excerpts, citations),
    ]),
  ];
  const leading = [...introduction, ...sections.flatMap(({ excerpts }) => excerpts.slice(0, 1))];
  const description = descriptionOf(
    leading.flatMap(({ sentences }) => sentences),
    request.topic,
    request.keyword,
  );
  return { article: { title, description, markdown: `${pieces.join('\n\n')}\n` }, citations: citations.all, pieces };
}

/** Headings, one of them with the keyword: the section that speaks of it most, where one does. */
function withKeyword({ keyword }: ArticleRequest, sections: readonly Section[], usage: WordUsage): string[] {
  const headings = sections.map(({ heading }) => capitalised(heading));
  if (keyword === '' || headings.some((heading) => mentions(heading, keyword))) return headings;
  const counts = sections.map(
    ({ excerpts }) =>
      excerpts.flatMap(({ sentences }) => sentences).filter(({ text }) => mentions(text, keyword)).length,
  );
  const most = Math.max(...counts, 0);
  if (most === 0) return headings;
  const place = counts.indexOf(most);
  return headings.map((heading, index) =>
    index === place ? `${capitalised(keyword)}: ${usage.inSentence(heading)}` : heading,
  );
}
