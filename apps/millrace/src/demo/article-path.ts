import { join } from 'node:path';

/** Where the demo saves an article that was given no file: a name made of the topic's letters and digits. */
export function articlePath(folder: string, topic: string): string {
  const words =
    topic
      .normalize('NFKD')
      .toLowerCase()
      .match(/[\p{Letter}\p{Number}]+/gu) ?? [];
  const name = words.join('-').slice(0, 60).replace(/-$/, '');
  return join(folder, '.millrace', 'articles', `${name === '' ? 'article' : name}.md`);
}
