/** The code in the guide by which a receiver knows us. Python's is tried where MILLRACE_TEST_PYTHON names one. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { newWebhookSecret, signatureHeaders } from './signature.js';

type Verify = (headers: Readonly<Record<string, string>>, body: Buffer, secret: string, nowMs: number) => boolean;

const guide = readFileSync(new URL('../../../../docs/guides/webhooks.md', import.meta.url), 'utf8');
const codeIn = (language: string): string => guide.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';

async function inNode(): Promise<Verify> {
  const source = `data:text/javascript,${encodeURIComponent(codeIn('js'))}`;
  return ((await import(source)) as { isGenuine: Verify }).isGenuine;
}

function inPython(python: string): Verify {
  const program = `${codeIn('python')}
import json, sys
headers, body, secret, now = json.load(sys.stdin)
print(is_genuine(headers, base64.b64decode(body), secret, now))`;
  return (headers, body, secret, nowMs) => {
    const input = JSON.stringify([headers, body.toString('base64'), secret, nowMs / 1000]);
    return execFileSync(python, ['-c', program], { input, encoding: 'utf8' }).trim() === 'True';
  };
}

const python = process.env['MILLRACE_TEST_PYTHON'] ?? '';
const languages: [string, () => Verify | Promise<Verify>][] = [
  ['node', inNode],
  ...(python === '' ? [] : [['python', () => inPython(python)] as [string, () => Verify]]),
];

describe.each(languages)('the code of the guide in %s', (_, load) => {
  const sentAt = new Date(1_800_000_000_000);
  const [secret, before] = [newWebhookSecret(), newWebhookSecret()];
  const body = '{"data":"größe \u{1f600}"}';
  const headers = signatureHeaders({ id: 'msg_1', sentAt, body }, [secret, before]);
  let verify: Verify;
  beforeAll(async () => {
    verify = await load();
  });

  it('knows what we sign, with either secret', () => {
    for (const known of [secret, before])
      expect(verify(headers, Buffer.from(body), known, sentAt.getTime())).toBe(true);
  });

  it('refuses what others sign, what was changed, and what is old', () => {
    const now = sentAt.getTime();
    expect(verify(headers, Buffer.from(body), newWebhookSecret(), now)).toBe(false);
    expect(verify(headers, Buffer.from(body.replace('data', 'fata')), secret, now)).toBe(false);
    expect(verify({ ...headers, 'webhook-id': 'msg_2' }, Buffer.from(body), secret, now)).toBe(false);
    expect(verify({ ...headers, 'webhook-signature': 'v1,AAAA nonsense' }, Buffer.from(body), secret, now)).toBe(false);
    expect(verify(headers, Buffer.from(body), secret, now + 301_000)).toBe(false);
  });
});
