import type { Citation, Passage } from '@millrace/contracts';
import { describe, expect, it } from '@jest/globals';
import { evaluateQuality, evaluateSeo, type EvaluateInput } from './suites.js';

const text =
  'A run survives the death of any process at any moment. Every event is committed before the caller hears of it. ' +
  'A task that is delivered twice is answered from the ledger of its worker. The attempt number is a fence against late results.';
const sentences = text.split(/(?<=\.) /);
const snapshotSha256 = 'a'.repeat(64);
const passage: Passage = {
  chunkId: 'c1',
  documentId: 'd1',
  snapshotSha256,
  start: 0,
  end: text.length,
  source: 'durability.md',
  title: 'Durability',
  headings: [],
  text,
  score: 1,
};
const citations: Citation[] = sentences.map((quote, index) => {
  const start = text.indexOf(quote);
  return {
    marker: index + 1,
    documentId: 'd1',
    snapshotSha256,
    start,
    end: start + quote.length,
    source: 'durability.md',
    quote,
  };
});
const resolutions = citations.map(({ marker }) => ({ marker, resolved: true }));
const cited = (index: number): string => `${sentences[index]?.slice(0, -1)} [${index + 1}].`;
const filler = Array.from({ length: 8 }, (_, index) => cited(index % 4)).join(' ');
const input: EvaluateInput = {
  suite: 'quality',
  article: {
    title: 'How a durable run survives a crash',
    description:
      'A run survives the death of any process at any moment, because every event is committed before the caller hears of it.',
    markdown: `${cited(0)} ${cited(1)}\n\n## Durable runs and the crash\n\n${filler}\n\n## Late results\n\n${cited(2)} ${cited(3)}`,
  },
  citations,
  evidence: [passage],
  threshold: 0.6,
};

describe('the quality suite', () => {
  it('passes an article that is made of what it cites', () => {
    const decision = evaluateQuality(input, resolutions);
    expect(decision.passed).toBe(true);
    expect(decision.checks['citations']).toMatchObject({ score: 1 });
    expect(decision.checks['faithfulness']).toMatchObject({ score: 1, confidence: 'high' });
    for (const check of Object.values(decision.checks)) expect(check.reasons.length).toBeGreaterThan(0);
  });

  it('stays shut when one citation does not resolve, and names it', () => {
    const broken = resolutions.map((resolution) =>
      resolution.marker === 2 ? { marker: 2, resolved: false, reason: 'the quote differs' } : resolution,
    );
    const decision = evaluateQuality(input, broken);
    expect(decision.passed).toBe(false);
    expect(decision.checks['citations']?.reasons.join(' ')).toContain('[2] does not resolve: the quote differs');
  });

  it('stays shut for a marker that has no citation', () => {
    const article = { ...input.article, markdown: `${input.article.markdown} An invented claim stands here [99].` };
    expect(evaluateQuality({ ...input, article }, resolutions).passed).toBe(false);
  });

  it('sees text that its sources do not hold', () => {
    const article = {
      ...input.article,
      markdown: input.article.markdown.replaceAll(
        'fence against late results',
        'purple dragon sleeping under mountains of gold coins',
      ),
    };
    const honest = evaluateQuality(input, resolutions).checks['faithfulness']?.score ?? 0;
    const invented = evaluateQuality({ ...input, article }, resolutions).checks['faithfulness']?.score ?? 0;
    expect(invented).toBeLessThan(honest - 0.05);
  });

  it('has no score for an article without evidence', () => {
    expect(evaluateQuality({ ...input, citations: [], evidence: [] }, [])).toMatchObject({
      score: null,
      passed: false,
    });
  });

  it('has no score for an empty article', () => {
    expect(
      evaluateQuality({ ...input, article: { title: '', description: '', markdown: '' } }, resolutions),
    ).toMatchObject({
      score: null,
      passed: false,
    });
  });
});

describe('the SEO suite', () => {
  it('finds the keyword by its stems in title, opening and heading', () => {
    const decision = evaluateSeo({ ...input, suite: 'seo', keyword: 'surviving crashes run' });
    expect(decision.checks['keyword']?.reasons).not.toContain('The title does not hold the keyword.');
    expect(decision.checks['meta']).toMatchObject({ score: 1 });
  });

  it('says what is missing', () => {
    const decision = evaluateSeo({
      ...input,
      suite: 'seo',
      keyword: 'falconry',
      article: { ...input.article, description: 'Short.' },
    });
    expect(decision.passed).toBe(false);
    expect(decision.checks['keyword']?.reasons).toContain('The title does not hold the keyword.');
    expect(decision.checks['meta']?.reasons.join(' ')).toContain('6 characters');
  });

  it('marks stuffing down', () => {
    const stuffed = {
      ...input.article,
      markdown: `${'Durable run durable run durable run. '.repeat(60)}\n\n## A\n\nX.\n\n## B\n\nY.`,
    };
    const decision = evaluateSeo({ ...input, suite: 'seo', keyword: 'durable run', article: stuffed });
    expect(decision.checks['keyword']?.reasons.join(' ')).toContain('stuffing');
  });

  it('leaves the keyword checks out when no keyword is given', () => {
    expect(Object.keys(evaluateSeo({ ...input, suite: 'seo' }).checks)).toEqual(['meta', 'headings']);
  });
});
