import { describe, expect, it } from '@jest/globals';
import { articleSchema, outlineSchema, type Passage } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import type { CompletionRequest } from '../completion/completion-model.js';
import { findMarkers } from '../grounding/citation-markers.js';
import { readParagraphs } from '../reading/paragraphs.js';
import { sentencesOf } from '../reading/sentences.js';
import { extractiveModel } from './extractive-model.js';
import { beeEvidence, beekeeping, honey, passagesOf } from './testing/corpus.js';

const never = new AbortController().signal;

async function complete(
  prompt: string | null,
  variables: JsonObject,
  evidence: readonly Passage[] = beeEvidence(),
  overrides: Partial<CompletionRequest> = {},
) {
  const shown: string[] = [];
  const completion = await extractiveModel.complete(
    {
      prompt: prompt === null ? null : { id: prompt, variables },
      messages: [],
      evidence,
      answer: prompt === null ? { kind: 'text' } : { kind: 'json', schema: {}, cites: null },
      ...overrides,
    },
    { signal: never, emit: (text) => shown.push(text) },
  );
  return { ...completion, shown };
}
const outline = async (topic: string, evidence?: readonly Passage[], keyword?: string) =>
  outlineSchema.parse((await complete('content/outline@1', { topic, ...(keyword && { keyword }) }, evidence)).json);
const draft = async (variables: JsonObject, evidence?: readonly Passage[]) => {
  const completion = await complete('content/draft@1', variables, evidence);
  return { ...completion, article: articleSchema.parse(completion.json) };
};

describe('the outline', () => {
  it('names its sections after what the sources speak about, in a sensible order', async () => {
    const { title, sections, description } = await outline('Honey bees');
    expect(title).toMatch(/^Honey bees/);
    expect(sections.map(({ heading }) => heading)).toEqual(
      expect.arrayContaining(['The hive', 'Swarming', 'Wintering']),
    );
    expect(sections.every(({ query }) => query.includes('Honey bees'))).toBe(true);
    expect(sections.map(({ heading }) => heading)).not.toContain('License');
    expect(description.length).toBeGreaterThanOrEqual(70);
    expect(description.length).toBeLessThanOrEqual(160);
  });

  it('finds themes in sources without headings', async () => {
    const { sections } = await outline('honey', passagesOf('honey.txt', honey));
    expect(sections.length).toBeGreaterThanOrEqual(1);
    for (const { heading } of sections) expect(heading).toMatch(/^\p{Lu}/u);
  });
});

describe('the article', () => {
  it('has a title, an introduction and sections, all of it from the sources', async () => {
    const { article, citations } = await draft({ topic: 'Honey bees', keyword: 'honey bees' });
    expect(article.markdown).toMatch(/^# Honey bees.*\n\n[^#]/);
    expect(article.markdown.split('\n\n')[1]).toContain('Honey bees are social insects');
    expect(article.markdown.match(/^## /gm)?.length).toBeGreaterThanOrEqual(3);
    expect(citations.length).toBeGreaterThanOrEqual(5);
    expect(article.title).toContain('Honey bees');
    expect(article.description.length).toBeLessThanOrEqual(160);
  });

  it('cites every sentence, and every quote is the exact slice of its snapshot', async () => {
    const { article, citations } = await draft({ topic: 'How do honey bees survive the winter' });
    const snapshots = new Map([
      ['bees.md', beekeeping],
      ['honey.txt', honey],
    ]);
    for (const { source, start, end, quote } of citations) expect(quote).toBe(snapshots.get(source)?.slice(start, end));
    const sentences = readParagraphs(article.markdown).flatMap(sentencesOf);
    expect(sentences.length).toBeGreaterThan(3);
    for (const { text } of sentences) expect(text).toMatch(/\[\d+\]/);
    const markers = [...new Set(findMarkers(article.markdown).flatMap(({ numbers }) => numbers))];
    expect(markers).toEqual(citations.map(({ marker }) => marker));
  });

  it('is made of clean sentences: no links, code, tables, questions, pleas, or words that refer to what is not there', async () => {
    const { article } = await draft({ topic: 'Honey bees in the hive, swarming and winter' });
    expect(article.markdown).not.toMatch(/https?:|\]\(|def weigh|\| |\*\*|Which honey|newsletter|licensed|See the/);
    for (const paragraph of article.markdown.split('\n\n')) {
      expect(paragraph).not.toMatch(/^(It|They|This|However|These)\b/);
    }
  });

  it('follows the outline that it is given', async () => {
    const plan = {
      title: 'T',
      description: 'D',
      sections: [{ heading: 'Getting through winter', query: 'winter cluster honey stores' }],
    };
    const { article } = await draft({ topic: 'Honey bees', outline: plan });
    expect(article.markdown.match(/^## .*$/gm)).toEqual(['## Getting through winter']);
    expect(article.markdown).toContain('18 kg of honey');
  });

  it('is the same for the same input', async () => {
    const variables = { topic: 'Honey bees', keyword: 'bees' };
    expect((await draft(variables)).text).toBe((await draft(variables)).text);
  });

  it('is shown piece by piece as it stands', async () => {
    const { article, shown } = await draft({ topic: 'Honey bees' });
    expect(shown.length).toBeGreaterThan(4);
    expect(`${shown.join('')}\n`).toBe(article.markdown);
  });

  it('grows and shrinks as the feedback asks', async () => {
    const words = async (feedback: JsonObject | string | null) =>
      (await draft({ topic: 'Honey bees', feedback })).article.markdown.split(/\s+/).length;
    const first = await words(null);
    const checks = (reason: string) => ({
      quality: { score: 0.4, checks: { structure: { score: 0.3, reasons: [reason] } } },
    });
    expect(await words(checks('The article has 80 words; 120 are the least.'))).toBeGreaterThan(first);
    expect(await words('Make it shorter.')).toBeLessThan(first);
    expect(await words({ seo: { checks: { meta: { score: 1, reasons: ['Too short, but fine.'] } } } })).toBe(first);
  });
});

describe('answers to messages', () => {
  const asked = (content: string) => ({ messages: [{ role: 'user' as const, content }] });

  it('are the best sentences', async () => {
    const { text, citations } = await complete(null, {}, beeEvidence(), asked('Why do colonies swarm?'));
    expect(text).toContain('Colonies prepare to swarm when the brood box is crowded [');
    expect(citations.length).toBeGreaterThan(0);
  });

  it('cannot be JSON of an unknown shape', async () => {
    await expect(complete('test/other@1', { topic: 'bees' })).rejects.toMatchObject({ code: 'unsupported_prompt' });
  });
});

describe('no evidence', () => {
  it.each<[string, readonly Passage[]]>([
    ['no passages', []],
    [
      'passages about something else',
      passagesOf('tax.md', '# Taxes\n\nIncome is taxed in brackets that rise with the amount.'),
    ],
    ['nothing but code', passagesOf('code.md', '# Honey bees\n\n```\nconst bees = 1;\n```\n')],
    ['empty text', [{ ...passagesOf('x.md', '# Honey bees\n')[0]!, text: '', end: 0 }]],
  ])('is an answer when there is %s', async (_, evidence) => {
    const failure = { code: 'no_evidence', kind: 'not-found', retryable: false };
    await expect(outline('Honey bees', evidence)).rejects.toMatchObject(failure);
    await expect(draft({ topic: 'Honey bees' }, evidence)).rejects.toMatchObject(failure);
  });
});

describe('strange evidence', () => {
  const clean = 'Herons fish in shallow water at dawn and dusk. They stand still for many minutes.';

  it.each([
    [
      'Markdown syntax in words',
      'Herons use *asterisks, a_b_c names, <tags> & pipes | in `code *x*` here. Herons [fly] 3 < 4 miles.',
    ],
    ['quotes of quotes', '> > Herons fish in shallow\n> > water at dawn. Herons nest\n> > in tall trees.'],
    ['entities and escapes', 'Herons &amp; egrets fish in shallow water \\*here\\*. Herons &lt;3 fish all day long.'],
    ['emoji', 'Herons 🐦‍🔥 fish in shallow water. Herons nest 👩‍👩‍👧 in tall trees all over Europe.'],
    ['Chinese', '# 苍鹭\n\n苍鹭在浅水中捕鱼。苍鹭在高大的树上筑巢。苍鹭可以站立很长时间不动。'],
    ['right-to-left text', '# Herons\n\nמלך הדגים של הביצה הוא הציפור heron בקיץ. Herons fish in shallow water.'],
    ['broken Markdown', '# Herons ](](**_`\n\nHerons **fish in [shallow](water at `dawn. Herons nest in tall trees.'],
    ['one endless line', `Herons fish ${'in shallow water and '.repeat(5_000)} at dawn. Herons nest in tall trees.`],
    [
      'source references',
      'Herons fish in shallow water.[12] Herons nest in tall trees [citation needed]. Herons eat frogs [3].',
    ],
  ])('gives exact quotes and no stray markers: %s', async (_, text) => {
    const evidence = passagesOf('strange.md', `${text}\n\n# Herons\n\n${clean}\n`);
    const topic = text.includes('苍鹭') ? '苍鹭' : 'Herons';
    const { article, citations } = await draft({ topic }, evidence);
    const markers = [...new Set(findMarkers(article.markdown).flatMap(({ numbers }) => numbers))];
    expect(markers).toEqual(citations.map(({ marker }) => marker));
    const snapshot = `${text}\n\n# Herons\n\n${clean}\n`;
    for (const { start, end, quote } of citations) expect(quote).toBe(snapshot.slice(start, end));
  });

  it('never breaks what holds of every article', async () => {
    const fragment = fc.oneof(
      fc.constantFrom(
        'Herons fish in shallow water.',
        'They stand still.',
        '## Nests',
        '- Herons nest in tall trees.',
        '> Herons eat.',
      ),
      fc.constantFrom(
        '[1]',
        '[x](y)',
        '**',
        '`',
        '```',
        '\n\n',
        '\n',
        '|',
        '<b>',
        '[^1]',
        '&amp;',
        '\\',
        'e.g. Herons eat frogs.',
      ),
      fc.string({ maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fragment, { maxLength: 25 }), async (fragments) => {
        const snapshot = `# Herons\n\nHerons are large birds that fish in water.\n\n${fragments.join(' ')}`;
        const { article, citations } = await draft({ topic: 'Herons' }, passagesOf('h.md', snapshot));
        const markers = [...new Set(findMarkers(article.markdown).flatMap(({ numbers }) => numbers))];
        expect(markers).toEqual(citations.map(({ marker }) => marker));
        for (const { start, end, quote } of citations) expect(quote).toBe(snapshot.slice(start, end));
      }),
      { numRuns: 200 },
    );
  });
});

describe('titles', () => {
  it.each([
    ['an endless topic', 'Honey bees '.repeat(40), ''],
    ['a keyword that the topic lacks', 'Honey bees', 'swarming colony'],
    ['a keyword beside an endless topic', 'Honey bees '.repeat(40), 'swarming colony'],
    ['a question', 'How do honey bees survive the winter?', ''],
    ['a topic in lower case with a full stop', ' honey bees. ', ''],
  ])('can stand on a page of search results: %s', async (_, topic, keyword) => {
    const { title } = await outline(topic.slice(0, 500), undefined, keyword);
    expect(title.length).toBeLessThanOrEqual(65);
    expect(title).toMatch(/^\p{Lu}.*[^.:;,]$/u);
    if (keyword !== '') expect(title.toLowerCase()).toContain(keyword);
  });
});

describe('the keyword', () => {
  it('moves to the first paragraph when the feedback misses it there, where a source says it', async () => {
    const variables = { topic: 'Honey bees', keyword: 'northern winter' };
    const { article } = await draft({ ...variables, feedback: 'The first paragraph does not hold the keyword.' });
    expect(article.markdown.split('\n\n')[1]).toContain('northern winter');
    expect(article.title).toContain('Northern winter');
  });
});
