/** Passages whose words agree this much (shared of all, as sets) say the same. */
const sameText = 0.8;

/** Leaves out what says the same as something better: copies, and versions of one text in several documents. */
export function withoutNearDuplicates<Item>(
  bestFirst: readonly Item[],
  wordsOf: (item: Item) => ReadonlySet<string>,
  limit: number,
): Item[] {
  const kept: { item: Item; words: ReadonlySet<string> }[] = [];
  for (const item of bestFirst) {
    if (kept.length === limit) break;
    const words = wordsOf(item);
    if (!kept.some((other) => agreement(other.words, words) >= sameText)) kept.push({ item, words });
  }
  return kept.map(({ item }) => item);
}

/** Jaccard's coefficient. */
function agreement(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const [smaller, larger] = one.size <= other.size ? [one, other] : [other, one];
  if (larger.size === 0) return 1;
  if (smaller.size / larger.size < sameText) return 0;
  const shared = [...smaller].filter((word) => larger.has(word)).length;
  return shared / (smaller.size + larger.size - shared);
}
