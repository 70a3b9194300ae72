import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { questionForm } from './question-form.js';

const isSame = (left: string, right: string): boolean => questionForm(left) === questionForm(right);

describe('questions', () => {
  it.each([
    ['What is the capital of France?', "what's the capital of France"],
    ['What is the capital of France?', '  What  is the capital of France ?'.replace(' ?', '?')],
    ['What is the capital of France?', 'Please tell me, what is the capital of France?'],
    ['What is the capital of France?', 'Hello! Could you please tell me what’s the capital of France, please?'],
    ["Why don't bees swarm in winter?", 'why do not bees swarm in winter'],
    ['Explain tides.', 'please explain tides'],
  ])('are the same in words that change nothing: %s %s', (left, right) => {
    expect(isSame(left, right)).toBe(true);
  });

  it.each([
    // Reversed.
    ['Does smoking cause stress?', 'Does stress cause smoking?'],
    ['Who did Brutus kill?', 'Did who kill Brutus?'],
    ['Is Rome older than Paris?', 'Is Paris older than Rome?'],
    ['How do I convert PDF to Word?', 'How do I convert Word to PDF?'],
    // Negated.
    ['Which birds fly?', 'Which birds do not fly?'],
    ['Which birds can fly?', "Which birds can't fly?"],
    ['Is it safe to mix bleach and water?', 'Is it unsafe to mix bleach and water?'],
    ['Which are allowed with a licence?', 'Which are allowed without a licence?'],
    ['Is it legal?', 'Is it not legal?'],
    // Numbers, units, signs.
    ['What is 15% of 200?', 'What is 50% of 200?'],
    ['What is 5 + 3?', 'What is 5 - 3?'],
    ['How far is 5 km?', 'How far is 5 miles?'],
    ['What is 1.5 times 2?', 'What is 15 times 2?'],
    // Names, places, times.
    ['What is the capital of france?', 'What is the capital of germany?'],
    ['Where do Polish people live?', 'Where do polish people live?'],
    ['Who won in 1990?', 'Who won in 1991?'],
    ['What opens on Monday?', 'What opens on Tuesday?'],
    // Quantities, comparisons, tenses, who asks.
    ['Do a few people agree?', 'Do few people agree?'],
    ['Are all cats black?', 'Are some cats black?'],
    ['What is the highest peak?', 'What is the lowest peak?'],
    ['Is it at least 5?', 'Is it at most 5?'],
    ['Who is the president?', 'Who was the president?'],
    ['Can I leave?', 'Must I leave?'],
    ['Why is it so?', 'Where is it so?'],
    ['You are open', 'You are open?'],
    ['How do I say thank you?', 'How do I say?'],
    ['Please Please Me came out when?', 'Me came out when?'],
    ['Translate: stop, please', 'Translate: stop'],
    ['Sort `a` then b', 'Sort a then b'],
    ['What does this do?\n  x', 'What does this do?\nx'],
  ])('are not the same when anything else differs: %s %s', (left, right) => {
    expect(isSame(left, right)).toBe(false);
  });

  const word = fc.stringMatching(/^[a-z]{2,8}$/);
  const question = fc.array(word, { minLength: 2, maxLength: 10 }).map((words) => ['what', 'is', ...words]);

  it('are told apart by the order of their words, by a "not", and by each word', () => {
    fc.assert(
      fc.property(question, fc.nat(), fc.nat(), word, (words, one, other, another) => {
        const [from, to] = [2 + (one % (words.length - 2)), 2 + (other % (words.length - 2))];
        const text = `${words.join(' ')}?`;
        const swapped = [...words];
        [swapped[from], swapped[to]] = [words[to] as string, words[from] as string];
        expect(isSame(text, `${swapped.join(' ')}?`)).toBe(words[from] === words[to]);
        expect(isSame(text, `${[...words.slice(0, from), 'not', ...words.slice(from)].join(' ')}?`)).toBe(false);
        const changed = words.map((each, index) => (index === from ? another : each));
        expect(isSame(text, `${changed.join(' ')}?`)).toBe(words[from] === another);
      }),
    );
  });

  it('have a form that is its own form, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          question.map((words) => words.join(' ')),
        ),
        (text) => {
          expect(questionForm(questionForm(text))).toBe(questionForm(text));
        },
      ),
    );
  });
});
