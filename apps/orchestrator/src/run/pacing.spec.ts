import { describe, expect, it } from '@jest/globals';
import { restAfter } from './pacing.js';

describe('restAfter', () => {
  it.each([
    [{ items: 1, tookMs: 5, waiting: 0 }, 0],
    [{ items: 3, tookMs: 5, waiting: 0 }, 0],
    [{ items: 4, tookMs: 0.5, waiting: 0 }, 1],
    [{ items: 30, tookMs: 2, waiting: 20 }, 4],
    [{ items: 30, tookMs: 800, waiting: 0 }, 10],
    [{ items: 30, tookMs: 2, waiting: 48 }, 0],
  ])('%j is followed by %d ms', (batch, expected) => {
    expect(restAfter(batch)).toBe(expected);
  });
});
