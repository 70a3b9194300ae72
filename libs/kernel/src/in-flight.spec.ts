import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InFlight } from './in-flight.js';

interface Thing {
  readonly name: number;
}

describe('what is in flight', () => {
  it('holds what a set would, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('add'), fc.nat(20)), { maxLength: 200 }), (steps) => {
        const inFlight = new InFlight<Thing>();
        const model = new Map<Thing, number>();
        const gone: [Thing, number][] = [];
        for (const [name, step] of steps.entries()) {
          if (step === 'add') {
            const thing = { name };
            const place = inFlight.add(thing);
            expect([...model.values()]).not.toContain(place);
            model.set(thing, place);
          } else {
            const chosen = [...model][Number(step)];
            if (chosen === undefined) continue;
            expect(inFlight.remove(chosen[1], chosen[0])).toBe(true);
            model.delete(chosen[0]);
            gone.push(chosen);
          }
          expect(inFlight.size).toBe(model.size);
          expect(new Set(inFlight)).toEqual(new Set(model.keys()));
          for (const [thing, place] of model) expect(inFlight.at(place)).toBe(thing);
          for (const [thing, place] of gone) expect(inFlight.remove(place, thing)).toBe(false);
        }
      }),
    );
  });

  it('gives all that were there, though they leave while they are gone through', () => {
    const inFlight = new InFlight<Thing>();
    const things = [{ name: 1 }, { name: 2 }, { name: 3 }];
    const places = new Map(things.map((thing) => [thing, inFlight.add(thing)]));
    const seen: Thing[] = [];
    for (const thing of inFlight) {
      seen.push(thing);
      for (const other of things) inFlight.remove(places.get(other) ?? -1, other);
    }
    expect(seen).toEqual(things);
    expect(inFlight.size).toBe(0);
  });
});
