/** What is to happen, the earliest first; of the same moment, in the order in which it was asked for. A binary heap. */
export interface Timed {
  at: number;
  readonly order: number;
}

const isBefore = (one: Timed, other: Timed): boolean =>
  one.at === other.at ? one.order < other.order : one.at < other.at;

export class EventQueue<Item extends Timed> {
  private readonly items: Item[] = [];

  get size(): number {
    return this.items.length;
  }

  add(item: Item): void {
    const { items } = this;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(item, items[parent] as Item)) break;
      items[index] = items[parent] as Item;
      index = parent;
    }
    items[index] = item;
  }

  take(): Item | undefined {
    const { items } = this;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isBefore(items[child + 1] as Item, items[child] as Item)) child += 1;
      if (!isBefore(items[child] as Item, last)) break;
      items[index] = items[child] as Item;
      index = child;
    }
    items[index] = last;
    return first;
  }
}
