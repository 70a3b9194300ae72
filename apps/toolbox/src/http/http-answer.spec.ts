import { describe, expect, it } from '@jest/globals';
import { outputOf } from './http-answer.js';

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
