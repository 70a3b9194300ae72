import { beforeAll, describe, expect, it } from '@jest/globals';
import { changed } from '@millrace/chaos/source-change';
import { buildWorkspace } from '@millrace/testing';
import { readFileSync } from 'node:fs';
import { bugs } from './catalogue.js';
import { settings } from './settings.js';

const root = new URL('../../../../', import.meta.url);

beforeAll(() => buildWorkspace(), 300_000);

describe('the changes of built files', () => {
  it.each([...settings, ...bugs.map(({ change }) => change)])('still find their anchor: $anchor', (change) => {
    const source = readFileSync(new URL(change.file, root), 'utf8');
    expect(changed(source, change)).not.toBe(source);
  });

  it('have names of their own', () => {
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
  });
});
