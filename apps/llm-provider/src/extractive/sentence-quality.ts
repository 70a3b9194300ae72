/** Whether a sentence of somebody else's text can stand in an article, and how well. */
import { wordsOf } from '../reading/terms.js';

export interface SentenceQuality {
  /** 0 for what cannot be used at all, up to 1. */
  readonly weight: number;
  /** Whether it refers back, so that it needs the sentence before it. */
  readonly refersBack: boolean;
}

const unusable: SentenceQuality = { weight: 0, refersBack: false };

/** Openers that point at something said before. */
const backwardOpeners = new Set(
  `this that these those it its it's they their them he she his her however therefore thus hence so but and or nor yet also
  instead otherwise additionally moreover furthermore then such both here there another similarly likewise nevertheless
  nonetheless finally first firstly second secondly third next lastly meanwhile consequently accordingly besides afterwards
  alternatively conversely again rather still too equally neither either accordingly specifically note basically that's
  they're since because what's`.split(/\s+/),
);
const backwardAdverbial =
  /^(in|with|for|by|at|on|from|after|before|during|under|through|of|using|given|as|because of|instead of|to \w+) (this|that|these|those|such|both|either)\b/i;
const backwardPhrases = [
  'as a result',
  'in addition',
  'for example',
  'for instance',
  'in other words',
  'in contrast',
  'in turn',
  'in fact',
  'if so',
  'if not',
  'to do so',
  'in either',
  'in all cases',
  'by doing so',
  'doing so',
  'one of these',
  'one of them',
  'some of these',
  'all of these',
  'all of this',
  'each of these',
  'in the example',
  'the same applies',
  'the latter',
  'the former',
  'on the other hand',
  'of course',
  'not only',
  'like this',
  'like that',
  'when this',
  'when that',
  'when they',
  'when it',
  'if this',
  'if that',
  'if it',
  'if they',
  'once it',
  'once this',
  'while this',
  'while it',
  'even so',
  'that said',
];

/** What makes sense only on its own page. */
const pageReferences = [
  'the following',
  'as follows',
  'this section',
  'this page',
  'this document',
  'this guide',
  'this chapter',
  'this article',
  'this tutorial',
  'this readme',
  'this file',
  'this post',
  'this blog',
  'this example',
  'these examples',
  'example shows',
  'check out',
  'guide to',
  'examples of how',
  'previous example',
  'following example',
  'next example',
  'first example',
  'second example',
  'above example',
  'our example',
  'thank you',
  'thanks',
  'this book',
  'next section',
  'previous section',
  'following section',
  'sections below',
  'section below',
  'section above',
  'example below',
  'examples below',
  'example above',
  'see below',
  'see above',
  'listed below',
  'listed above',
  'shown below',
  'shown above',
  'described below',
  'described above',
  'mentioned above',
  'as mentioned',
  'as above',
  'table below',
  'code below',
  'code above',
  'snippet below',
  'diagram below',
  'for more information',
  'for more details',
  'for further information',
  'for details',
  'more information',
  'click here',
  'read more',
  'learn more',
  'see also',
  'refer to',
  'pull request',
  'pull requests',
  'open an issue',
  'code of conduct',
  'copyright',
  'all rights reserved',
  'table of contents',
  'let us know',
  "let's",
  'stay tuned',
];
/** Reference manuals leave the subject out: "Returns the size." */
const subjectless = new Set(
  `returns sets adds gets checks called invoked used defines specifies emitted triggered removes creates indicates contains
  allows provides represents enables disables determines defaults accepts takes converts registers executed fired runs
  starts stops gives offers helps keeps lets ensures required optional same default alias deprecated shorthand supports throws makes`.split(
    /\s+/,
  ),
);
/** "Flushes the buffer", "Called when it ends": a verb where the subject should be. */
const leadingVerb =
  /^[A-Z][a-z]+(?:[^su]s (?:the|an?|all|any|each|every|whether|if|when|to|your|its|this|that|one)|ed (?:when|by|if|to|with|in|at|for|from|once|as|after|before))\b/;
const leadingParticiple = /^(Based|Compared|Provided|Combined|Rooted|Named|Related)\b/;
/** Names that only examples use. */
const placeholderNames = /`[^`]*\b(foo|bar|baz|qux|example|myPlugin|my[A-Z]\w*)\b[^`]*`/;
/** "The table above": on another page. */
const elsewhere =
  /\b(handler|code|example|diagram|figure|list|table|section|snippet|option|image|schema|function|command|method|step|chart|output|picture)s? (above|below)\b/i;
/** Nouns that begin a definition without a verb: "Method to check the size." */
const bareNoun =
  /^(method|function|object|array|string|boolean|number|list|name|path|hook|option|property|event|value)s? (to|that|which|with|of|for|containing|used)\b/i;
/** Steps of a tutorial. */
const imperatives = new Set(
  `be import install add create run use make keep remember define call set open copy start try put write ensure avoid consider
  do don't never always imagine suppose assume configure pass choose pick go think enjoy replace update change`.split(
    /\s+/,
  ),
);
const directions = new Set([
  'see',
  'read',
  'click',
  'check',
  'visit',
  'refer',
  'consult',
  'browse',
  'download',
  'todo',
]);
const firstPerson = new Set(['i', "i'm", "i've", 'my', 'me', 'we', "we're", "we've", "we'll", 'our', 'us']);

/**
 * @param text the sentence's words, code spans in backticks.
 * @param fromList whether it is an item of a list: such sentences lean on their list.
 */
export function qualityOf(text: string, fromList: boolean): SentenceQuality {
  const words = wordsOf(text);
  const phrase = ` ${words.join(' ')} `;
  const has = (candidate: string) => phrase.includes(` ${candidate} `);
  const begins = (candidate: string) => phrase.startsWith(` ${candidate} `);
  if (!isComplete(text, words) || looksLikeCode(text)) return unusable;
  const [opener = ''] = words;
  if (pageReferences.some(has) || directions.has(opener)) return unusable;
  if (lacksSubject(text, opener) || placeholderNames.test(text) || elsewhere.test(text)) return unusable;
  const weight =
    (fromList ? 0.8 : 1) *
    (words.length > 38 ? 0.65 : words.length > 30 ? 0.85 : words.length < 8 ? 0.75 : 1) *
    (words.some((word) => firstPerson.has(word)) ? 0.6 : 1) *
    (text.includes('!') || has('please') ? 0.5 : 1) *
    (has('above') || has('below') || has('deprecated') ? 0.6 : 1) *
    (/^\S+( \S+){0,3}:\s/.test(text) ? 0.4 : 1) *
    (/\((see|read)\b/i.test(text) ? 0.6 : 1) *
    (has('then') && !has('if') && !has('when') ? 0.7 : 1) *
    (has('you') || has('your') || has("you're") ? 0.8 : 1) *
    (imperatives.has(opener) ? 0.75 : 1);
  return {
    weight,
    refersBack: backwardOpeners.has(opener) || backwardPhrases.some(begins) || backwardAdverbial.test(text),
  };
}

function lacksSubject(text: string, opener: string): boolean {
  if (subjectless.has(opener) && !/^\w+ (is|are)\b/.test(text)) return true;
  return bareNoun.test(text) || (leadingVerb.test(text) && !leadingParticiple.test(text));
}

/** Begins like a sentence, ends like one, and is neither a fragment nor a question. */
function isComplete(text: string, words: readonly string[]): boolean {
  if (words.length < 5 || words.length > 60) return false;
  if (text.includes('?') || !/[.!。！…]["'”’»)\]]*$/.test(text) || /(\.\.\.|…)$/.test(text)) return false;
  if (!/^["'“‘«(]?(\p{Lu}|\p{Lo}|\d|`)/u.test(text) || /^\d+[.)]/.test(text)) return false;
  return isBalanced(text);
}

function isBalanced(text: string): boolean {
  const count = (unit: string) => text.split(unit).length - 1;
  return count('(') === count(')') && count('[') === count(']') && count('"') % 2 === 0 && count('“') === count('”');
}

/** Code, addresses and symbol soup that Markdown took for prose. */
function looksLikeCode(text: string): boolean {
  const prose = text.replace(/(`+)[^`]+\1/g, '');
  if (prose.length < text.length * 0.5) return true;
  if (/:\/\/|=>|<\/|[{}\\|^~]|\$\(|\w\(\)|;$|www\./.test(prose)) return true;
  const symbols = prose.match(/[^\p{L}\p{N}\s.,;:'"“”‘’()–—-]/gu)?.length ?? 0;
  return symbols > Math.max(2, prose.length * 0.05) || /\p{Extended_Pictographic}/u.test(prose);
}
