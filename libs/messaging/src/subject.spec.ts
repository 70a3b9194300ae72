import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isPattern, isSubject, matchesSubject, patternsOverlap } from './subject.js';
import { streamOf, topology } from './topology.js';

const name = fc.constantFrom('a', 'b', 'cc', 'task', 'v1');
const subject = fc.array(name, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'));
const pattern = fc
  .tuple(fc.array(fc.oneof(name, fc.constant('*')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([tokens, tail]) => [...tokens, ...(tail ? ['>'] : [])].join('.'));

/** The definition, word by word: what a pattern stands for, as a set that a regular language describes. */
function matchesByDefinition([wanted, ...pattern]: string[], [given, ...subject]: string[]): boolean {
  if (wanted === undefined || given === undefined) return wanted === given;
  if (wanted === '>') return true;
  return (wanted === '*' || wanted === given) && matchesByDefinition(pattern, subject);
}

describe('subjects and patterns', () => {
  it('match as defined', () => {
    fc.assert(
      fc.property(pattern, subject, (one, other) => {
        expect(matchesSubject(one, other)).toBe(matchesByDefinition(one.split('.'), other.split('.')));
      }),
      { numRuns: 2_000 },
    );
  });

  it('overlap exactly when some subject matches both', () => {
    const short = fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 3 });
    const small = fc.tuple(short, fc.boolean()).map(([tokens, tail]) => [...tokens, ...(tail ? ['>'] : [])].join('.'));
    const every = subjectsUpTo(5);
    fc.assert(
      fc.property(small, small, (one, other) => {
        const common = every.some((each) => matchesSubject(one, each) && matchesSubject(other, each));
        expect(patternsOverlap(one, other)).toBe(common);
      }),
      { numRuns: 500 },
    );
  });

  it('are told apart: every subject is a pattern that matches itself alone', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        if (isSubject(text)) expect(isPattern(text) && matchesSubject(text, text)).toBe(true);
        if (isPattern(text) && !isSubject(text)) expect(text).toMatch(/[*>]/);
      }),
    );
    fc.assert(fc.property(pattern, (text) => isPattern(text)));
    for (const text of ['a.>.b', '>.a', 'a..b', ' ', 'a.>>', '']) {
      expect([text, isSubject(text)]).toEqual([text, false]);
    }
    expect(['a.>.b', '>.a', 'a.>.>'].filter(isPattern)).toEqual([]);
  });
});

describe('the topology', () => {
  it('has one stream at most per subject, each within the rules of the server', () => {
    for (const one of topology) {
      for (const other of topology) expect(patternsOverlap(one.subjects, other.subjects)).toBe(one === other);
      expect(one.maxAgeMs === 0 || one.duplicateWindowMs <= one.maxAgeMs).toBe(true);
      expect(Math.min(one.maxMessages, one.maxBytes)).toBeGreaterThan(0);
    }
    expect(streamOf('task.llm.v1')?.name).toBe('TASKS');
    expect(streamOf('live.run_1.tokens')?.name).toBe('LIVE');
    expect(streamOf('live.run_1.events')).toBeUndefined();
  });
});

function subjectsUpTo(length: number): string[] {
  if (length === 0) return [];
  const shorter = subjectsUpTo(length - 1);
  const longest = shorter.filter((each) => each.split('.').length === length - 1);
  const extended = (length === 1 ? [''] : longest.map((each) => `${each}.`)).flatMap((start) =>
    ['a', 'b', 'c'].map((last) => start + last),
  );
  return [...shorter, ...extended];
}
