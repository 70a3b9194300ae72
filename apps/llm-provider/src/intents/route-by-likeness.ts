/**
 * Chooses an intent without a model: by the words that a text shares with what the intents say of themselves. Words that few of them
 * use count more. An intent that is hardly more like the text than another is chosen with little confidence.
 */
import type { InputOf, Intent, OutputOf, routeTask, Slot } from '@millrace/contracts';
import { extractiveModel } from '../extractive/extractive-model.js';
import { TermWeights, termsOf, wordsOf } from '../reading/terms.js';
import { fillSlots } from './slots.js';

type RouteInput = InputOf<typeof routeTask>;

/** A description tells of an intent, an example is what people say. */
const weightOfDescription = 0.8;

export function routeByLikeness({ text, intents }: RouteInput): OutputOf<typeof routeTask> {
  const weights = new TermWeights(intents.map((intent) => textsOf(intent).flatMap(({ terms }) => terms)));
  const asked = meaning(text);
  const ranked = intents
    .map((intent) => ({ intent, likeness: likenessOf(intent, asked, weights) }))
    .sort((left, right) => right.likeness - left.likeness);
  const [best, second] = ranked;
  const model = extractiveModel.name;
  if (best === undefined || best.likeness === 0) return { intent: null, confidence: 0, slots: {}, missing: [], model };
  const lead = best.likeness / (best.likeness + (second?.likeness ?? 0));
  const confidence = Math.min(1, best.likeness * lead);
  return { intent: best.intent.name, confidence, ...fillSlots(best.intent, (slot) => readSlot(slot, text)), model };
}

/** The terms of a text; where all its words are too common to be terms, the words. */
function meaning(text: string): string[] {
  const terms = termsOf(text);
  return terms.length > 0 ? terms : wordsOf(text);
}

const textsOf = ({ name, description, examples }: Intent) => [
  { terms: meaning(`${name.replaceAll(/[-_]/g, ' ')} ${description}`), weight: weightOfDescription },
  ...examples.map((example) => ({ terms: meaning(example), weight: 1 })),
];

const likenessOf = (intent: Intent, asked: readonly string[], weights: TermWeights): number =>
  Math.max(...textsOf(intent).map(({ terms, weight }) => weight * likeness(asked, terms, weights)));

/** 0 to 1: between how much of both is shared (cosine) and how much of the shorter one is. */
function likeness(left: readonly string[], right: readonly string[], weights: TermWeights): number {
  const [one, other] = [new Set(left), new Set(right)];
  const sum = (terms: Iterable<string>): number => [...terms].reduce((total, term) => total + weights.of(term), 0);
  const shared = sum([...one].filter((term) => other.has(term)));
  if (shared === 0) return 0;
  const [ofOne, ofOther] = [sum(one), sum(other)];
  return (shared / Math.sqrt(ofOne * ofOther) + shared / Math.min(ofOne, ofOther)) / 2;
}

/** What can be read without understanding: one of the values that there are, or a number. */
function readSlot({ type, values }: Slot, text: string): unknown {
  if (values !== undefined) {
    const said = ` ${wordsOf(text).join(' ')} `;
    return values.find((value) => said.includes(` ${wordsOf(value).join(' ')} `));
  }
  return type === 'number' ? /(?<![\p{L}\p{N}.,-])-?\d+(?:\.\d+)?(?![\p{L}\p{N}])/u.exec(text)?.[0] : undefined;
}
