import { describe, expect, it } from '@jest/globals';
import { unexpectedStatus } from './unexpected-status.js';

describe('a status that nobody expected', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const of = (status: number, retryAfter?: string) =>
    unexpectedStatus(
      { status, headers: { 'retry-after': retryAfter }, url: 'https://example.org/p?token=s3cret' },
      now,
    ).toShape();

  it.each([400, 401, 402, 403, 404, 405, 409, 410, 413, 418, 422, 501, 505, 301])('%i is permanent', (status) => {
    expect(of(status)).toMatchObject({ code: `http_${status}`, retryable: false });
  });

  it.each([408, 425, 429, 500, 502, 503, 504])('%i may pass', (status) => {
    expect(of(status)).toMatchObject({ code: `http_${status}`, retryable: true });
  });

  it.each([
    ['7', 7],
    ['0', 0],
    ['99999999', 3_600],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5],
    ['Wed, 01 Jan 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    ['-1', 0],
    ['', undefined],
  ])('asks to wait where Retry-After is %j: %p seconds', (text, seconds) => {
    expect(of(503, text).retryAfterSeconds).toBe(seconds);
  });

  it('says the host and nothing that could be secret', () => {
    expect(of(404).message).toBe('example.org answered with the status 404.');
  });
});
