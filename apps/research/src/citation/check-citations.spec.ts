import { describe, expect, it } from '@jest/globals';
import { sha256Hex } from '@millrace/kernel';
import type { Citation } from '@millrace/contracts';
import { checkCitations } from './check-citations.js';

const text = 'A citation 🙂 resolves.';
const snapshot = { source: 'guide.md', sha256: sha256Hex(text), text };
const citation: Citation = {
  marker: 3,
  documentId: 'doc_1',
  snapshotSha256: snapshot.sha256,
  start: 2,
  end: 10,
  source: 'guide.md',
  quote: 'citation',
};

describe('a citation', () => {
  it.each([
    ['as it was found', {}, true],
    ['with an emoji, counted in UTF-16', { start: 11, end: 13, quote: '🙂' }, true],
    ['of half an emoji', { start: 11, end: 12, quote: '🙂' }, false],
    ['with other words', { quote: 'Citation' }, false],
    ['with a span beyond the text', { start: 14, end: 900, quote: text.slice(14) }, false],
    ['with an empty span', { start: 2, end: 2, quote: '' }, false],
    ['with a backward span', { start: 10, end: 2, quote: '' }, false],
    ['of another source', { source: 'other.md' }, false],
  ])('%s', (_name, change, resolved) => {
    const [resolution] = checkCitations([{ ...citation, ...change }], snapshot);
    expect(resolution).toMatchObject({ marker: 3, resolved });
    expect(typeof resolution?.reason).toBe(resolved ? 'undefined' : 'string');
  });

  it('of an unknown or a harmed snapshot does not resolve', () => {
    expect(checkCitations([citation], undefined)[0]?.resolved).toBe(false);
    expect(checkCitations([citation], { ...snapshot, text: text.replace('.', '!') })[0]?.resolved).toBe(false);
  });
});
