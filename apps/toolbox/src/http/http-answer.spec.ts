import { describe, expect, it } from '@jest/globals';
import { outputOf, unexpectedStatus } from './http-answer.js';

const answer = (body: string | Buffer, type?: string, status = 200) => ({
  status,
  headers: { ...(type !== undefined && { 'content-type': type }), 'set-cookie': ['session=s3cret'] },
  body: Buffer.from(body),
  url: 'https://example.org/path?token=s3cret',
});

describe('an answer as output', () => {
  it.each([
    ['{"a": [1]}', 'application/json; charset=utf-8', { encoding: 'text', body: '{"a": [1]}', json: { a: [1] } }],
    ['{"a": 1}', 'application/problem+json', { json: { a: 1 } }],
    ['{broken', 'application/json', { encoding: 'text', body: '{broken', json: null }],
    ['"a\\u0000b"', 'application/json', { json: 'a\ufffdb' }],
    ['<p>x</p>', 'text/html', { encoding: 'text', body: '<p>x</p>', json: null }],
    [Buffer.from([0xfc]), 'text/plain; charset="iso-8859-1"', { body: 'ü' }],
    [Buffer.from([0xff, 0x41]), 'text/plain; charset=nonsense', { body: '\ufffdA' }],
    ['a\0b', 'text/plain', { body: 'a\ufffdb' }],
    [Buffer.from([0x89, 0x50]), 'image/png', { encoding: 'base64', body: 'iVA=', json: null }],
    ['', 'image/png', { encoding: 'text', body: '' }],
    ['plain', undefined, { encoding: 'text', body: 'plain' }],
  ])('%j as %s', (body, type, expected) => {
    expect(outputOf({}, answer(body, type))).toMatchObject({ status: 200, ...expected });
  });

  it('keeps no cookies', () => {
    expect(JSON.stringify(outputOf({}, answer('x', 'text/plain')).headers)).not.toContain('s3cret');
  });

  it('is one of the statuses that were expected', () => {
    expect(outputOf({ status: [404] }, answer('', 'text/plain', 404))).toMatchObject({ status: 404 });
    expect(() => outputOf({ status: [404] }, answer('', 'text/plain', 200))).toThrow(
      expect.objectContaining({ code: 'http_200' }),
    );
  });
});

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
