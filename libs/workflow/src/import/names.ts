/** Names as graphs allow them, made of whatever people call things: the same for the same thing, different for different ones. */
const longest = 56;

export class Names {
  private readonly given = new Map<string, string>();
  private readonly taken: Set<string>;

  constructor(reserved: readonly string[]) {
    this.taken = new Set(reserved);
  }

  /** The name of a thing, made of `wish` the first time. */
  take(thing: string, wish: string): string {
    const known = this.given.get(thing);
    if (known !== undefined) return known;
    const plain = slugOf(wish);
    let name = plain;
    for (let number = 2; this.taken.has(name); number += 1) name = `${plain}-${number}`;
    this.taken.add(name);
    this.given.set(thing, name);
    return name;
  }

  /** The name of a thing that has one. */
  of(thing: string): string {
    return this.take(thing, thing);
  }
}

function slugOf(text: string): string {
  const words = text
    .normalize('NFKD')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return words.slice(0, longest).replaceAll(/-+$/g, '') || 'unnamed';
}
