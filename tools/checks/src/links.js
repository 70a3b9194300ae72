import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { visit } from 'unist-util-visit';

/** Every relative link and picture in a Markdown file must lead to a file that exists. */
export async function checkLinks() {
  const { stdout } = await promisify(execFile)('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '*.md',
  ]);
  const broken = [];
  for (const file of stdout.split('\n').filter(Boolean)) {
    for (const target of linksOf(await readFile(file, 'utf8'))) {
      const path = resolve(dirname(file), decodeURIComponent(target.split('#')[0] ?? ''));
      await access(path).catch(() => broken.push(`${file}: ${target}`));
    }
  }
  return { ok: broken.length === 0, output: broken.join('\n') };
}

/** @param {string} markdown @returns {string[]} the targets that are paths of this repository */
function linksOf(markdown) {
  const targets = [];
  visit(fromMarkdown(markdown), ['link', 'image'], (node) => {
    if (!/^([a-z]+:|#)/i.test(node.url)) targets.push(node.url);
  });
  return targets;
}
