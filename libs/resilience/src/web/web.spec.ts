import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { isPublicAddress } from './addresses.js';
import { fetchWeb, type WebRequest } from './fetch-web.js';
import { WebGuard } from './web-guard.js';

describe('public addresses', () => {
  it.each([
    ...['127.0.0.1', '0.0.0.0', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '224.0.0.1'],
    ...['255.255.255.255', '198.18.0.1', '192.0.2.1', '240.0.0.1', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1'],
    ...[
      'fd00:ec2::254',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:a9fe:a9fe',
      '64:ff9b::7f00:1',
      '64:ff9b::169.254.169.254',
    ],
    ...[
      '2002:7f00:1::',
      '2002:a00:1::1',
      '2001:db8::1',
      '2001:0:1::1',
      '::127.0.0.1',
      '64:ff9b:1::a00:1',
      '100::1',
      'x',
      '',
    ],
  ])('%s is none', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each(['1.1.1.1', '93.184.216.34', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::101:101', '2002:101:101::1'])(
    '%s is one',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it('a private address is none in any clothes', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.constantFrom(10, 127), byte, byte, byte, (a, b, c, d) => {
        const hex = [(a << 8) | b, (c << 8) | d].map((part) => part.toString(16));
        const forms = [
          `${a}.${b}.${c}.${d}`,
          `::ffff:${hex.join(':')}`,
          `64:ff9b::${hex.join(':')}`,
          `2002:${hex.join(':')}::1`,
        ];
        for (const form of forms) expect(isPublicAddress(form)).toBe(false);
      }),
    );
  });
});

let server: Server;
let other: Server;
const sockets: TcpServer[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: { method: string | undefined; url: string | undefined; headers: IncomingMessage['headers']; body: string }[];

async function record(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  asked.push({ method: request.method, url: request.url, headers: request.headers, body });
  answer(request, response);
}
const listen = async <S extends Server | TcpServer>(each: S): Promise<S> => {
  await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
  return each;
};
const hostOf = (each: Server | TcpServer): string => `127.0.0.1:${(each.address() as AddressInfo).port}`;

beforeAll(async () => {
  const handler = (request: IncomingMessage, response: ServerResponse): void => void record(request, response);
  server = await listen(createServer(handler));
  other = await listen(createServer(handler));
  asked = [];
});
afterEach(() => {
  asked = [];
});
afterAll(() => {
  for (const each of [server, other]) {
    each.closeAllConnections();
    each.close();
  }
  for (const each of sockets) each.close();
});

const get = (url: string, options: Partial<WebRequest> = {}, guard = new WebGuard({ allow: [hostOf(server)] })) =>
  fetchWeb(guard, {
    method: 'GET',
    url,
    maxBytes: 1_000,
    redirects: 3,
    signal: AbortSignal.timeout(10_000),
    ...options,
  });

const own = (path = '/'): string => `http://${hostOf(server)}${path}`;
const strange = (path = '/'): string => `http://${hostOf(other)}${path}`;

describe('the guard', () => {
  const port = (): number => (server.address() as AddressInfo).port;

  it.each([
    ...['http://127.0.0.1:PORT/', 'http://2130706433:PORT/', 'http://0x7f000001:PORT/', 'http://0177.0.0.1:PORT/'],
    ...['http://127.1:PORT/', 'http://0:PORT/', 'http://[::1]:PORT/', 'http://[::ffff:127.0.0.1]:PORT/'],
    ...[
      'http://[::ffff:7f00:1]:PORT/',
      'http://[64:ff9b::7f00:1]:PORT/',
      'http://localhost:PORT/',
      'http://LOCALHOST:PORT/',
    ],
    ...['http://169.254.169.254/latest/meta-data/', 'http://[fd00:ec2::254]/', 'http://１２７.0.0.1:PORT/'],
  ])('lets nothing through to %s', async (url) => {
    const asking = get(url.replace('PORT', String(port())), {}, new WebGuard());
    await expect(asking).rejects.toMatchObject({ code: 'address_refused', retryable: false });
    expect(asked).toEqual([]);
  });

  it.each([
    ['file:///etc/passwd'],
    ['ftp://example.org/'],
    ['gopher://x'],
    ['/relative'],
    ['http://u:p@example.org/'],
    [''],
  ])('refuses %s for what it is', async (url) =>
    expect(get(url)).rejects.toMatchObject({ code: 'invalid_url', retryable: false }),
  );

  it('refuses a name of which one address is private, and connects to no other than it looked at', async () => {
    const resolving = (...addresses: string[]) =>
      new WebGuard({
        resolve: (_name, done) =>
          done(
            null,
            addresses.map((address) => ({ address, family: 4 })),
          ),
      });
    for (const guard of [resolving('127.0.0.1'), resolving('93.184.216.34', '10.0.0.1'), resolving()]) {
      await expect(get(`http://rebound.test:${port()}/`, {}, guard)).rejects.toMatchObject({ code: 'address_refused' });
    }
    let looks = 0;
    const rebinding = new WebGuard({
      resolve: (_name, done) => done(null, [{ address: (looks += 1) === 1 ? '203.0.113.9' : '127.0.0.1', family: 4 }]),
    });
    await expect(get(`http://rebound.test:${port()}/`, {}, rebinding)).rejects.toMatchObject({
      code: 'address_refused',
    });
    expect(asked).toEqual([]);
  });

  it('ends a connection that arrived where it should not, whoever is to blame', async () => {
    const guard = new WebGuard();
    // As if looking names up could be deceived.
    guard.lookupFor =
      () =>
      (_name, { all }, done) =>
        all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
    await expect(get(`http://deceived.test:${port()}/`, {}, guard)).rejects.toMatchObject({ code: 'address_refused' });
    expect(asked).toEqual([]);
  });

  it('lets an operator name hosts, by port', async () => {
    answer = (_, response) => void response.end('fine');
    const guard = new WebGuard({ allow: [`localhost:${port()}`] });
    expect(await get(`http://localhost:${port()}/`, {}, guard)).toMatchObject({ status: 200 });
    await expect(get(strange(), {}, guard)).rejects.toMatchObject({ code: 'address_refused' });
  });
});

describe('a redirect', () => {
  const redirect = (location: string, status = 302): void => {
    answer = ({ url }, response) => {
      if (url === '/') response.writeHead(status, { location }).end();
      else response.end('there');
    };
  };

  it('is followed, and looked at like the first URL', async () => {
    redirect('/next');
    expect(await get(own())).toMatchObject({ status: 200, url: own('/next') });
    for (const location of [strange(), 'http://169.254.169.254/', '//127.0.0.1:1/', 'http://[::1]/']) {
      redirect(location);
      await expect(get(own())).rejects.toMatchObject({ code: 'address_refused' });
    }
    redirect('file:///etc/passwd');
    await expect(get(own())).rejects.toMatchObject({ code: 'invalid_url' });
  });

  it('takes no secret to another origin', async () => {
    redirect(strange('/there'));
    const guard = new WebGuard({ allow: [hostOf(server), hostOf(other)] });
    const headers = { Authorization: 'Bearer s3cret', Cookie: 'a=b', 'X-Api-Key': 'k', Accept: 'text/html' };
    await get(own(), { headers }, guard);
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer s3cret', 'x-api-key': 'k' });
    expect(asked[1]?.headers).toMatchObject({ accept: 'text/html' });
    expect(Object.keys(asked[1]?.headers ?? {})).not.toEqual(expect.arrayContaining(['authorization']));
    expect(asked[1]?.headers).not.toHaveProperty('cookie');
    expect(asked[1]?.headers).not.toHaveProperty('x-api-key');
    redirect(strange('/there'), 307);
    await expect(get(own(), { method: 'POST', body: Buffer.from('b') }, guard)).rejects.toMatchObject({
      code: 'redirect_refused',
    });
  });

  it('turns a POST into a GET where it says so, and keeps it where it does not', async () => {
    const post = { method: 'POST', body: Buffer.from('sent'), headers: { 'content-type': 'text/plain' } };
    redirect('/next', 303);
    await get(own(), post);
    expect(asked.at(-1)).toMatchObject({ method: 'GET', body: '' });
    expect(asked.at(-1)?.headers).not.toHaveProperty('content-type');
    redirect('/next', 308);
    await get(own(), post);
    expect(asked.at(-1)).toMatchObject({ method: 'POST', body: 'sent' });
  });

  it('leads round in circles for a while only, and nowhere where none may be followed', async () => {
    answer = (_, response) => void response.writeHead(302, { location: '/' }).end();
    await expect(get(own())).rejects.toMatchObject({ code: 'too_many_redirects', retryable: false });
    expect(asked).toHaveLength(4);
    expect(await get(own(), { redirects: 0 })).toMatchObject({ status: 302 });
  });
});

describe('what comes back', () => {
  it('is read to its end, decoded', async () => {
    answer = (_, response) => void response.writeHead(201, { 'content-encoding': 'gzip' }).end(gzipSync('hello'));
    const { status, body } = await get(own());
    expect([status, body.toString()]).toEqual([201, 'hello']);
  });

  it('is cut where it is too large: announced, streamed, or blown up', async () => {
    answer = (_, response) => void response.end('x'.repeat(1_001));
    await expect(get(own())).rejects.toMatchObject({ code: 'response_too_large', retryable: false });
    let written = 0;
    answer = (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000))) written += 10_000;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    await expect(get(own())).rejects.toMatchObject({ code: 'response_too_large' });
    expect(written).toBeLessThan(50_000_000);
    answer = (_, response) =>
      void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000)));
    await expect(get(own())).rejects.toMatchObject({ code: 'response_too_large' });
  });

  it.each([
    ['HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort', 'unreachable', true],
    ['not http at all\r\n\r\n', 'invalid_response', false],
    ['HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nnot gzip', 'invalid_response', false],
    ['HTTP/1.1 200 OK\r\ncontent-encoding: weird\r\n\r\nx', 'invalid_response', false],
    [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, 'invalid_response', false],
    ['', 'unreachable', true],
  ])('is an error where it is %j', async (text, code, retryable) => {
    const hostile = await listen(
      createTcpServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end(text))),
    );
    sockets.push(hostile);
    const guard = new WebGuard({ allow: [hostOf(hostile)] });
    await expect(get(`http://${hostOf(hostile)}/`, {}, guard)).rejects.toMatchObject({ code, retryable });
  });

  it('is not waited for after the signal', async () => {
    answer = (_, response) => void response.write('slow');
    const stopped = new AbortController();
    const asking = get(own(), { signal: stopped.signal });
    const reason = new Error('enough');
    setImmediate(() => stopped.abort(reason));
    await expect(asking).rejects.toBe(reason);
  });

  it('is no answer where nobody listens', async () => {
    const closed = await listen(createTcpServer());
    const host = hostOf(closed);
    await new Promise((resolve) => closed.close(resolve));
    const guard = new WebGuard({ allow: [host] });
    await expect(get(`http://${host}/`, {}, guard)).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  });

  it('is no answer where certificates are wrong', async () => {
    const plain = new WebGuard({ allow: [hostOf(server)] });
    await expect(get(own().replace('http:', 'https:'), {}, plain)).rejects.toMatchObject({ code: 'tls_failed' });
  });
});
