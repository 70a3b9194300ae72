import { describe, expect, it } from '@jest/globals';
import { writeCursor } from '../cursor.js';
import { readRunCursor } from './run-cursor.js';

describe('a cursor of runs', () => {
  it('is read as it was written', () => {
    const cursor = { createdAt: '2026-01-02T03:04:05.678Z', runId: 'run_1' };
    expect(readRunCursor(writeCursor(cursor))).toEqual(cursor);
  });

  it.each(['', 'x', 'bnVsbA', Buffer.from('{"createdAt":1,"runId":"a"}').toString('base64url'), '💥'])(
    'is refused when it is %j',
    (text) => {
      expect(() => readRunCursor(text)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
    },
  );
});
