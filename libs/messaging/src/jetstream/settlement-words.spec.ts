import { describe, expect, it } from '@jest/globals';
import { SettlementWords } from './settlement-words.js';

function wordsOn(madeAt: string) {
  const said: string[] = [];
  const words = new SettlementWords(madeAt);
  const deliver = (name: string) => {
    const about = words.ofDelivery();
    return () => about(() => void said.push(name));
  };
  return { words, said, deliver };
}

describe('SettlementWords', () => {
  it('says at once what is sure', () => {
    const { said, deliver } = wordsOn('monday');
    deliver('a')();
    expect(said).toEqual(['a']);
  });

  it('waits while the connection is lost, and says it in order when the consumer is still the same', () => {
    const { words, said, deliver } = wordsOn('monday');
    const [a, b] = [deliver('a'), deliver('b')];
    words.doubt();
    a();
    b();
    expect([words.areSure, said]).toEqual([false, []]);
    words.look()('monday');
    expect([words.areSure, said]).toEqual([true, ['a', 'b']]);
  });

  it('never says anything about deliveries of a consumer that was made anew', () => {
    const { words, said, deliver } = wordsOn('monday');
    const [early, late] = [deliver('early'), deliver('late')];
    words.doubt();
    early();
    words.look()('tuesday');
    late();
    expect(said).toEqual([]);
    deliver('new')();
    expect(said).toEqual(['new']);
  });

  it('learns of a new consumer without a lost connection, too', () => {
    const { words, said, deliver } = wordsOn('monday');
    const old = deliver('old');
    words.look()('tuesday');
    old();
    expect(said).toEqual([]);
  });

  it('does not trust a look during which the connection was lost', () => {
    const { words, said, deliver } = wordsOn('monday');
    const old = deliver('old');
    const seen = words.look();
    words.doubt();
    seen('monday');
    old();
    expect([words.areSure, said]).toEqual([false, []]);
  });
});
