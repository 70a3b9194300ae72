/** Made-up pages for measuring ingest: the same for the same number, with a vocabulary whose words differ in rarity. */

const sentencesPerPage = 24;
const wordsPerSentence = 14;
const vocabulary = 5_000;

export interface Page {
  readonly source: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** Page `number` of about 2.5 KB of Markdown. */
export function pageOf(number: number): Page {
  const random = generator(number + 1);
  const sections = Array.from({ length: 4 }, (_, section) => {
    const sentences = Array.from({ length: sentencesPerPage / 4 }, () => sentence(random));
    return `## Part ${section + 1} of page ${number}\n\n${sentences.join(' ')}`;
  });
  const text = `# Page ${number}\n\n${sections.join('\n\n')}\n`;
  return { source: `pages/${String(number).padStart(5, '0')}.md`, content: new TextEncoder().encode(text) };
}

function sentence(random: () => number): string {
  // The square makes low numbers common and high ones rare, as words of a language are.
  const words = Array.from(
    { length: wordsPerSentence },
    () => `word${Math.floor(random() ** 2 * vocabulary).toString(36)}`,
  );
  return `The ${words.join(' ')}.`;
}

/** mulberry32: a small generator with a seed, good enough for made-up text. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
