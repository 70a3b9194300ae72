/** Small documents and the passages that a search would find in them. For tests. */
import type { Passage } from '@millrace/contracts';
import { sha256Hex } from '@millrace/kernel';
import { offsetsOf, parseMarkdown } from '../../reading/markdown.js';

/** One passage for each heading's text, as retrieval cuts documents. */
export function passagesOf(source: string, snapshot: string): Passage[] {
  const sha256 = sha256Hex(snapshot);
  const headings: { depth: number; words: string }[] = [];
  const starts: { start: number; headings: string[] }[] = [];
  for (const node of parseMarkdown(snapshot).children) {
    const { start, end } = offsetsOf(node);
    if (node.type === 'heading') {
      while ((headings.at(-1)?.depth ?? 0) >= node.depth) headings.pop();
      headings.push({ depth: node.depth, words: snapshot.slice(start, end).replace(/^#+ /, '') });
    }
    if (node.type === 'heading' || starts.length === 0)
      starts.push({ start, headings: headings.map(({ words }) => words) });
  }
  return starts.map(({ start, headings: above }, index) => {
    const end = starts[index + 1]?.start ?? snapshot.length;
    return {
      documentId: `doc_${sha256.slice(0, 12)}`,
      snapshotSha256: sha256,
      chunkId: `chunk_${start}`,
      source,
      title: above[0] ?? source,
      headings: above,
      start,
      end,
      text: snapshot.slice(start, end),
      score: 1,
    };
  });
}

export const beekeeping = `# Keeping honey bees

Honey bees are social insects that live in colonies of up to 60,000 workers. A **healthy colony** has one queen, which lays
up to 2,000 eggs a day in early summer. See the [map](https://example.org/map) for clubs near you.

## The hive

A hive is a stack of boxes with movable frames. The [brood box](https://example.org/brood) at the bottom holds the queen and
her eggs, and the *supers* above it hold honey. It should face south-east in cool climates. Frames are spaced 35 mm apart,
because bees build comb into any wider gap. This spacing is called the bee space & was described by Langstroth in 1851.

\`\`\`python
def weigh(hive): return hive.kg  # The hive weighs forty kilograms.
\`\`\`

| Part | Role |
| --- | --- |
| super | The super holds the honey of the colony. |

## Swarming

Swarming is how a colony reproduces: the old queen leaves with half of the workers. Colonies prepare to swarm when the brood
box is crowded. Beekeepers prevent it by adding space in April and by removing queen cells every nine days. They also split
strong colonies. However, no method is certain. A swarm that hangs from a branch is usually gentle, for it has no brood to
defend.

## Wintering

A colony needs about 18 kg of honey to survive a northern winter. The bees form a cluster and keep its core at 30 degrees by
shivering their flight muscles. Mice are kept out with a narrow entrance. Moisture kills more colonies than cold does, so the
hive needs ventilation at the top. Which honey granulates first? Please subscribe to our newsletter!

## License

The text of these notes is licensed for any use by anybody.
`;

export const honey = `Honey harvest in a nutshell

Honey is ripe when the bees have capped three quarters of the cells with wax. Ripe honey holds less than 18 percent of water,
and wetter honey ferments in the jar. The frames are uncapped with a warm knife and spun in an extractor. Honey bees lose
their stores when a beekeeper takes too much, so one full super is left to the colony. Colonies that enter autumn light are
fed with sugar syrup.
`;

export const beeEvidence = (): Passage[] => [...passagesOf('bees.md', beekeeping), ...passagesOf('honey.txt', honey)];
