import { describe, expect, it } from '@jest/globals';
import { qualityOf } from './sentence-quality.js';

describe('the quality of a sentence', () => {
  it.each([
    'A hive is a stack of boxes with movable frames.',
    'The gateway answers `202 Accepted` only after the commit.',
    'Based on the load, the pool grows and shrinks.',
    'Colonies of 60,000 bees (in summer) need much room.',
    '苍鹭在高大的树上筑巢，也在地上筑巢。',
  ])('is good enough: %s', (text) => {
    expect(qualityOf(text, false)).toMatchObject({ refersBack: false });
    expect(qualityOf(text, false).weight).toBeGreaterThan(0.5);
  });

  it.each([
    ['a fragment', 'with movable frames and a roof on top.'],
    ['no end', 'A hive is a stack of boxes with movable frames'],
    ['a question', 'Which honey granulates first in the jar?'],
    ['an ellipsis', 'And so the story goes on and on...'],
    ['a lead-in', 'The options are these and no others:'],
    ['too short', 'Bees are nice.'],
    ['a missing subject', 'Returns the number of frames in the hive.'],
    ['a missing subject (participle)', 'Called when the server has finished loading plugins.'],
    ['a bare definition', 'Method to check the number of frames in it.'],
    ['a pointer to its page', 'The following example shows how bees build a comb.'],
    ['a pointer above', 'The table above lists all kinds of honey bees.'],
    ['a direction', 'See the chapter on wintering for all the details.'],
    ['an address', 'The source is at https://example.org/bees for everybody.'],
    ['code without marks', 'Then const bees = () => { return 1; } is what counts here.'],
    ['example names', 'The `foo` decorator is available in the root context.'],
    ['an open bracket', 'A hive (made of wood is a stack of boxes.'],
    ['thanks', 'Thank you for reading these notes on bees today.'],
  ])('is nothing for %s', (_, text) => {
    expect(qualityOf(text, false).weight).toBe(0);
  });

  it.each([
    'It should face south-east in cool climates.',
    'However, no method is certain to prevent it.',
    'For example, bees build comb into any gap.',
    'If it rains, the bees stay in the hive.',
    'To do this, the beekeeper opens the hive in April.',
  ])('says that a sentence needs the one before it: %s', (text) => {
    expect(qualityOf(text, false).refersBack).toBe(true);
  });

  it('prefers plain statements to lists, labels, exclamations, first persons and orders', () => {
    const plain = qualityOf('The hive faces south-east in cool climates.', false).weight;
    const lesser = [
      qualityOf('The hive faces south-east in cool climates.', true),
      qualityOf('Note on places: The hive faces south-east in cool climates.', false),
      qualityOf('The hive faces south-east in cool climates!', false),
      qualityOf('We let our hive face south-east in cool climates.', false),
      qualityOf('Make the hive face south-east in cool climates.', false),
    ];
    for (const { weight } of lesser) expect(weight).toBeLessThan(plain);
  });
});
