/** Which words of a passage a claim rests on. */
import type { RootContent } from 'mdast';
import { offsetsOf, parseMarkdown } from '../reading/markdown.js';
import { readParagraphs } from '../reading/paragraphs.js';
import { sentencesOf } from '../reading/sentences.js';
import { TermWeights, termsOf } from '../reading/terms.js';

/** Offsets into the passage's text. */
export interface QuoteSpan {
  readonly start: number;
  readonly end: number;
}

interface QuotableUnit extends QuoteSpan {
  readonly terms: ReadonlySet<string>;
}

const longestQuoteInSentences = 3;
/** How much more it matters that the quote covers the claim than that it says nothing else. */
const recallOverPrecision = 2;

/** A passage, read once, that can be asked for the quote behind many claims. */
export class QuotablePassage {
  /** Sentences in runs that are contiguous in the text; blocks that are no prose are runs of one. */
  private readonly runs: readonly (readonly QuotableUnit[])[];
  private readonly weights: TermWeights;

  constructor(private readonly text: string) {
    this.runs = [...sentenceRuns(text), ...blockRuns(text)];
    this.weights = new TermWeights(this.runs.flat().map((unit) => unit.terms));
  }

  /** The one to three sentences that cover the claim best; the whole passage when no word is shared. */
  quoteFor(claim: string): QuoteSpan {
    const claimTerms = new Set(termsOf(claim));
    let best: QuoteSpan | null = null;
    let bestScore = 0;
    for (const span of this.windows()) {
      const score = this.agreement(claimTerms, span.terms);
      if (score > bestScore) {
        bestScore = score;
        best = { start: span.start, end: span.end };
      }
    }
    return best ?? trimmedSpan(this.text);
  }

  private *windows(): Generator<QuotableUnit> {
    for (const run of this.runs) {
      for (let from = 0; from < run.length; from++) {
        const terms = new Set<string>();
        for (const unit of run.slice(from, from + longestQuoteInSentences)) {
          unit.terms.forEach((term) => terms.add(term));
          yield { start: run[from]?.start ?? unit.start, end: unit.end, terms };
        }
      }
    }
  }

  /** The F-measure of the quote's terms against the claim's, each term weighed by its rarity in the passage. */
  private agreement(claim: ReadonlySet<string>, quote: ReadonlySet<string>): number {
    const weigh = (terms: Iterable<string>) => {
      let sum = 0;
      for (const term of terms) sum += this.weights.of(term);
      return sum;
    };
    const shared = weigh([...quote].filter((term) => claim.has(term)));
    if (shared === 0) return 0;
    const recall = shared / weigh(claim);
    const precision = shared / weigh(quote);
    const emphasis = recallOverPrecision ** 2;
    return ((1 + emphasis) * precision * recall) / (emphasis * precision + recall);
  }
}

/** Without the white space around it. Empty when there is nothing else. */
function trimmedSpan(text: string): QuoteSpan {
  const start = text.length - text.trimStart().length;
  return { start, end: Math.max(start, text.trimEnd().length) };
}

function sentenceRuns(text: string): QuotableUnit[][] {
  return readParagraphs(text).map((paragraph) =>
    sentencesOf(paragraph).map(({ start, end, text: words }) => ({ start, end, terms: new Set(termsOf(words)) })),
  );
}

/** Code, tables and headings: a claim may rest on them, too. */
function blockRuns(text: string): QuotableUnit[][] {
  const runs: QuotableUnit[][] = [];
  const visit = (nodes: readonly RootContent[]) => {
    for (const node of nodes) {
      if (node.type === 'code' || node.type === 'table' || node.type === 'heading' || node.type === 'html') {
        const { start, end } = offsetsOf(node);
        runs.push([{ start, end, terms: new Set(termsOf(text.slice(start, end))) }]);
      } else if (node.type === 'list' || node.type === 'listItem' || node.type === 'blockquote') {
        visit(node.children);
      }
    }
  };
  visit(parseMarkdown(text).children);
  return runs;
}
