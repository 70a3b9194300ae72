import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { basename, dirname } from 'node:path';
import { articlePath } from './article-file.js';

describe('the name of an article', () => {
  it.each([
    ['How Millrace survives a crash?', 'how-millrace-survives-a-crash.md'],
    ['../../etc/passwd', 'etc-passwd.md'],
    ['Überflutung: 潮', 'überflutung-潮.md'],
    ['?!', 'article.md'],
  ])('of %j is %s', (topic, name) => {
    expect(articlePath('/folder', topic)).toBe(`/folder/.millrace/articles/${name}`);
  });

  it('is always one that a file system takes, in the folder of articles', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (topic) => {
        const path = articlePath('/x', topic);
        expect(dirname(path)).toBe('/x/.millrace/articles');
        expect(Buffer.byteLength(basename(path))).toBeLessThanOrEqual(255);
        expect(path.isWellFormed()).toBe(true);
        expect(basename(path)).not.toMatch(/[\p{Cc}\\]/u);
      }),
    );
  });
});
