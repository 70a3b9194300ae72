/**
 * Things that come and go all the time: requests that wait for their answers, tasks that are worked on.
 *
 * A `Map` or a `Set` of such is a trap of V8: it is copied whenever it has seen some hundred changes, an outgrown table points to
 * the next, and once one of them is old, the collector of young objects takes all that was ever in any of them for alive. A
 * service then spends a quarter of its time copying garbage. Places in an array that are used again have no such past.
 */
export class InFlight<Item> implements Iterable<Item> {
  private readonly places: (Item | undefined)[] = [];
  private readonly free: number[] = [];

  /** How many there are. */
  get size(): number {
    return this.places.length - this.free.length;
  }

  /** Gives its place, which is nobody else's until it leaves. */
  add(item: Item): number {
    const place = this.free.pop() ?? this.places.length;
    this.places[place] = item;
    return place;
  }

  /** What is at a place, or undefined. */
  at(place: number): Item | undefined {
    return this.places[place];
  }

  /** Gives up a place. False where the item is not, or no longer, there. */
  remove(place: number, item: Item): boolean {
    if (this.places[place] !== item) return false;
    this.places[place] = undefined;
    this.free.push(place);
    return true;
  }

  /** What is there as the iteration begins; what leaves meanwhile is still given. */
  [Symbol.iterator](): Iterator<Item> {
    const present: Item[] = [];
    for (const item of this.places) if (item !== undefined) present.push(item);
    return present[Symbol.iterator]();
  }
}
