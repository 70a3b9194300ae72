/** The main job with a secret in every place that telemetry must not look into. */
import { answers, type ScriptedProvider } from '@millrace/testing';
import type { Api } from '../api.js';

export const canaries = {
  document: 'CANARY-DOCUMENT-7d1f',
  prompt: 'CANARY-PROMPT-93ab',
  answer: 'CANARY-ANSWER-c05e',
  providerKey: 'sk-CANARY-PROVIDER-KEY-41c2',
};

/** One of everything at a time, so that the order of work, and with it the tree, is the same in every run. */
export const oneAtATime = {
  MILLRACE_RESEARCH_SEARCH_SLOTS: '1',
  MILLRACE_EVALUATION_SLOTS: '1',
  MILLRACE_LLM_SLOTS: '1',
};

export const modelEnvironment = (provider: ScriptedProvider) => ({
  MILLRACE_LLM_BASE_URL: provider.baseUrl,
  MILLRACE_LLM_API_KEY: canaries.providerKey,
  MILLRACE_LLM_MODEL: 'tide-writer-2',
});

const tides = `# Tides

The tide rises and falls twice a day, because the moon pulls the water of the sea. The harbours of ${canaries.document} and ${canaries.prompt} know the tide.
When sun and moon pull in one line, the tide rises highest and is called a spring tide.

## Tide tables

A tide table says for each harbour when the tide is high. Sailors read the tide table before they leave the harbour.
A harbour that falls dry at low tide is called a tidal harbour. Boats with two keels stand upright in a tidal harbour.
`;

const description =
  'How the tide lifts the boats of a harbour that falls dry, and what a tide table says about it to those who sail.';
const outline = {
  title: 'The tide in harbours',
  description,
  sections: [
    { heading: 'Tidal harbours', query: 'tidal harbour' },
    { heading: 'Tide tables', query: 'tide table' },
  ],
};
const article = {
  title: 'The tide in harbours',
  description,
  markdown: `# The tide in harbours

The tide rises and falls twice a day, because the moon pulls the water of the sea [1]. ${canaries.answer} [1].

## Tidal harbours

A harbour that falls dry at low tide is called a tidal harbour [1].

## Tide tables

A tide table says for each harbour when the tide is high [1].
`,
};

/** What the model answers: an outline, then the same draft however often it is asked for another. */
export const scriptAnswers = (provider: ScriptedProvider): void =>
  provider.script(answers(JSON.stringify(outline)), answers(JSON.stringify(article)));

/** Uploads a document and writes about it with a key that was never used. @returns every secret that was told meanwhile */
export async function runMainJob(api: Api, correlationId: string): Promise<string[]> {
  await api.call('POST', '/v1/collections', { name: 'tides' });
  await api.call('POST', '/v1/collections/tides/documents?source=tides.md', tides, { 'content-type': 'text/markdown' });
  const caller = await api.withNewKey();
  const input = { topic: `The tide in harbours ${canaries.prompt}`, collection: 'tides' };
  const run = await caller.run('content', input, correlationId);
  if (run.status !== 'completed') throw new Error(`The main job ended as ${JSON.stringify(run)}.`);
  return [api.key, caller.key, ...Object.values(canaries)];
}
