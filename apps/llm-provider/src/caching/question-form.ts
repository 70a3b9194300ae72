/**
 * When two questions are the same question in other words. Strict on purpose: vectors find "does A cause B" and "does B cause A" alike,
 * and a question with a "not" or another number in it, so nothing here is a matter of degree. Two questions are the same when they
 * are word for word the same after dropping only what can change no meaning:
 *
 * 1. white space, typographic quotes, contractions (`what's`, `don't`);
 * 2. courtesies (`please`, `could you tell me`, `, thanks`) around what is a question or an order by its first word;
 * 3. the question mark of what is a question by its first word, and a full stop at the end;
 * 4. the capital of such a first word.
 *
 * Everything else stays, in its order: names, numbers, units, negations, comparisons, quantities, articles ("a few" are not "few").
 * What is no plain short question (code, tables, several lines) is only the same as itself.
 */

const longestQuestion = 400;

const contractions: readonly (readonly [RegExp, string])[] = [
  [/\bcan't\b/gi, 'can not'],
  [/\bcannot\b/gi, 'can not'],
  [/\bwon't\b/gi, 'will not'],
  [/\b(do|does|did|is|are|was|were|has|have|had|should|would|could|must|need)n't\b/gi, '$1 not'],
  [/\b(what|who|where|when|how|why)'s\b/gi, '$1 is'],
  [/\b(what|who|where|when|how|why|you|we|they)'re\b/gi, '$1 are'],
  [/\b(i|you|we|they)'ve\b/gi, '$1 have'],
  [/\bi'm\b/gi, 'I am'],
];

const wordsOf = (text: string): ReadonlySet<string> => new Set(text.split(' '));
/** Words that make a question of a sentence by standing first. */
const asking = wordsOf(
  'what who whom whose where when why how which is are was were do does did can could will would shall should may might must has have had',
);
/** Words that make an order of it. */
const ordering = wordsOf('name list give explain describe define compare');

const opening = /^(?:(?:hello|hi|hey)[,!] |please,? |(?:can|could|would) you (?:please )?tell me,? |tell me,? )/i;
const closing = /,? please(?=[.?]*$)|, (?:thanks|thank you)(?=[.?]*$)/i;

/** The question in its plainest words: two with the same form ask the same. */
export function questionForm(text: string): string {
  const quoted = text
    .normalize('NFC')
    .replaceAll(/[\u2018\u2019]/g, "'")
    .replaceAll(/[\u201C\u201D]/g, '"');
  const plain = quoted.trim();
  if (plain.length > longestQuestion || /[\n\r\t`{}<>|\\]/.test(plain)) return text;
  let words = plain.replaceAll(/\s+/g, ' ');
  for (const [contraction, full] of contractions) words = words.replaceAll(contraction, full);
  words = withoutOpenings(words);
  const [first = '', ...rest] = words.split(' ');
  const begins = first.toLowerCase();
  if (asking.has(begins))
    return [begins, ...rest]
      .join(' ')
      .replace(closing, '')
      .replace(/[.?]+$/, '');
  if (ordering.has(begins)) return [begins, ...rest].join(' ').replace(/\.+$/, '');
  return words;
}

/** Drops courtesies as long as what follows them is a question or an order by itself; "Please Please Me" is an album. */
function withoutOpenings(words: string): string {
  let rest = words;
  for (let shorter = rest.replace(opening, ''); shorter !== rest; shorter = rest.replace(opening, '')) rest = shorter;
  const [first = ''] = rest.split(' ');
  return asking.has(first.toLowerCase()) || ordering.has(first.toLowerCase()) ? rest : words;
}
