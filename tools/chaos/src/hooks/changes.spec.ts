import { beforeAll, describe, expect, it } from '@jest/globals';
import { buildWorkspace } from '@millrace/testing';
import { readFileSync } from 'node:fs';
import { changedFiles, changedSource, pointNames, sourceChanges } from './changes.js';

const root = new URL('../../../../', import.meta.url);

beforeAll(() => buildWorkspace(), 200_000);

describe('the changes of built files', () => {
  it.each(changedFiles)('still find their anchors in %s', (file) => {
    const source = readFileSync(new URL(file, root), 'utf8');
    expect(changedSource(file, source)).not.toBe(source);
  });

  it('hold every point but the one in the subscriber', () => {
    const text = sourceChanges.map((change) => change.text).join('\n');
    const missing = pointNames.filter((point) => !text.includes(`'${point}'`));
    expect(missing).toEqual(['subscriber.before-ack']);
  });

  it('name an anchor that is gone, or no longer alone', () => {
    const file = 'libs/messaging/dist/inbox/handle-once.js';
    expect(() => changedSource(file, 'nothing')).toThrow(/"if \(rows.length === 0\)" is 0 times in libs\/messaging/);
    const twice = 'if (rows.length === 0) a(); if (rows.length === 0) b();';
    expect(() => changedSource(file, twice)).toThrow(/is 2 times .* mend the change/);
  });
});
