/** The tables of transitions at the top of the engine's files, row by row, so that a row without a property is found. */
import { readFileSync } from 'node:fs';

const headerOf = (file: string): string[] => {
  const text = readFileSync(file, 'utf8');
  return text.slice(0, text.indexOf('*/')).split('\n');
};
const inOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** The rows of `decide.ts`: what stands before the column `events`, over as many lines as it takes. */
export function rowsOfMessages(file: string): string[] {
  const lines = headerOf(file);
  const head = lines.findIndex((line) => /\bmessage\b.*\bwhen\b.*\bevents\b/.test(line));
  const column = lines[head]?.indexOf('events') ?? 0;
  const rows: string[] = [];
  for (const line of lines.slice(head + 1)) {
    const [left, right] = [line.slice(2, column).trim(), line.slice(column).trim()];
    if (left === '' && right === '') break;
    // What goes on in the next line has nothing in one of the two columns.
    if (left !== '' && right !== '') rows.push(left);
    else if (left !== '') rows.push(`${rows.pop() ?? ''} ${left}`);
  }
  return rows.map(inOneLine);
}

/** The rows of `evolve.ts`, of both of its halves: `before | Event | after`. */
export function rowsOfEvents(file: string): string[] {
  const halves = headerOf(file)
    .filter((line) => /\s\|(\s|$)/.test(line))
    .map((line) => line.slice(3).split('|'));
  return [0, 1].flatMap((half) =>
    halves.flatMap((parts) => {
      const [, before, event, after] = /^(.*?)\b([A-Z][a-z]+(?:[A-Z][a-z]+)+)\s+(.*)$/.exec(parts[half] ?? '') ?? [];
      return event === undefined ? [] : [inOneLine(`${before ?? ''} | ${event} | ${after ?? ''}`)];
    }),
  );
}
