import type { Check } from '@millrace/contracts';
import { syllable } from 'syllable';
import type { ArticleText } from '../article/article-text.js';
import { scored, unscorable } from '../evaluate/gate.js';

/** Flesch reading ease from which on a text counts as easy enough; 0 is the hardest that still scores. */
const easyEnough = 45;
const longSentence = 35;

/**
 * Flesch reading ease (R. Flesch, 1948: 206.835 - 1.015 words/sentence - 84.6 syllables/word), 0 to 45 mapped to 0 to 1.
 * Syllables are counted for English; a text in another script is judged by the length of its sentences alone.
 */
export function checkReadability({ sentences, words }: ArticleText): Check {
  if (sentences.length === 0 || words.length === 0) return unscorable('The article has no sentences to read.');
  const wordsPerSentence = words.length / sentences.length;
  const long = sentences.filter((sentence) => sentence.words.length > longSentence).length;
  const lengths = [`${wordsPerSentence.toFixed(0)} words a sentence on average.`];
  if (long > 0) lengths.push(`${long} sentences are longer than ${longSentence} words.`);

  const latin = words.filter((word) => /^[a-z'’-]+$/u.test(word));
  if (latin.length < words.length / 2) return scored(1 - Math.max(0, wordsPerSentence - 20) / 40, lengths, 'low');
  const syllablesPerWord = latin.reduce((sum, word) => sum + syllable(word), 0) / latin.length;
  const ease = 206.835 - 1.015 * wordsPerSentence - 84.6 * syllablesPerWord;
  return scored(ease / easyEnough, [`Flesch reading ease ${ease.toFixed(0)}.`, ...lengths]);
}
