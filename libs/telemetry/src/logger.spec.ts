import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import fc from 'fast-check';
import { createLogger, parseLogLevels, withLogContext, type Logger } from './index.js';
import { isSecretName, redactJson, redactText } from './redaction.js';

/** A logger whose lines can be read back. */
function recordingLogger(levels = 'trace', format: 'json' | 'pretty' = 'json'): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { logger: createLogger({ levels: parseLogLevels(levels), destination, format }), lines };
}

const parsed = (line: string | undefined): Record<string, unknown> =>
  JSON.parse(line ?? 'null') as Record<string, unknown>;

describe('log lines', () => {
  it('are one JSON document each, with level, time and message', () => {
    const { logger, lines } = recordingLogger();
    logger.info({ answer: 42 }, 'hello %s', 'world');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\n$/);
    expect(parsed(lines[0])).toMatchObject({ level: 'info', answer: 42, msg: 'hello world' });
    expect(Date.parse(String(parsed(lines[0])['time']))).not.toBeNaN();
  });

  it('carry the context of the work they belong to, across awaits and nested', async () => {
    const { logger, lines } = recordingLogger();
    await Promise.all(
      ['a', 'b'].map((id) =>
        withLogContext({ correlationId: id, tenantId: `tenant-${id}` }, async () => {
          await Promise.resolve();
          withLogContext({ messageId: `message-${id}` }, () => logger.info(id));
        }),
      ),
    );
    logger.info('outside');
    expect(lines.map(parsed)).toEqual([
      expect.objectContaining({ msg: 'a', correlationId: 'a', tenantId: 'tenant-a', messageId: 'message-a' }),
      expect.objectContaining({ msg: 'b', correlationId: 'b', tenantId: 'tenant-b', messageId: 'message-b' }),
      expect.not.objectContaining({ correlationId: expect.anything() }),
    ]);
  });

  it('have the level of their component, also below it', () => {
    const { logger, lines } = recordingLogger('warn,orchestrator=debug');
    logger.child({ component: 'gateway' }).info('hidden');
    logger.child({ component: 'orchestrator' }).debug('shown');
    logger.child({ component: 'orchestrator' }).child({ partition: 3 }).debug('shown below');
    expect(lines.map((line) => parsed(line)['msg'])).toEqual(['shown', 'shown below']);
  });

  it('describe an error with its code and the chain of its causes', () => {
    const { logger, lines } = recordingLogger();
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    logger.error(new MillraceError('unavailable', 'database_unavailable', 'The database is away.', { cause }));
    expect(parsed(lines[0])).toMatchObject({
      msg: 'The database is away.',
      err: {
        type: 'MillraceError',
        kind: 'unavailable',
        code: 'database_unavailable',
        retryable: true,
        cause: { type: 'Error', code: 'ECONNREFUSED' },
      },
    });
  });

  it('survive an error that causes itself, and things that were thrown without being errors', () => {
    const { logger, lines } = recordingLogger();
    const circular = new Error('round');
    circular.cause = circular;
    logger.error(circular);
    logger.error({ err: 'just text' }, 'odd');
    logger.error({ err: undefined }, 'none');
    expect(lines.map((line) => parsed(line)['msg'])).toEqual(['round', 'odd', 'none']);
  });

  it('are made for people on a terminal', () => {
    const { logger, lines } = recordingLogger('info', 'pretty');
    logger.child({ component: 'gateway' }).warn({ port: 8080 }, 'listening');
    expect(lines[0]).toContain('WARN');
    expect(lines[0]).toContain('gateway: listening');
    expect(() => JSON.parse(lines[0] ?? '') as unknown).toThrow();
  });
});

describe('secrets', () => {
  const canary = 'CANARY-4f9d7e21';
  const key = `mr_${canary}`;
  const withHeaders = Object.assign(new Error(`401 for Bearer ${canary}`), { config: { headers: { a: canary } } });

  const hidingPlaces: Record<string, (logger: Logger) => void> = {
    message: (logger) => logger.info(`key ${key} was used`),
    'message argument': (logger) => logger.info('using %s', `Bearer ${canary}`),
    'message object': (logger) => logger.info('using %j', { password: canary }),
    'field by name': (logger) => logger.info({ password: canary }),
    'nested field': (logger) => logger.info({ a: [{ b: { 'X-Api-Key': canary } }] }),
    'nested object under a secret name': (logger) => logger.info({ credentials: { user: 'a', word: canary } }),
    'child binding': (logger) => logger.child({ apiKey: canary }).info('hello'),
    'child binding by value': (logger) => logger.child({ note: key }).info('hello'),
    context: (logger) => withLogContext({ correlationId: key }, () => logger.info('hello')),
    'error message': (logger) => logger.error(new Error(`refused ${key}`)),
    'error cause': (logger) => logger.error(new Error('a', { cause: new Error(`Authorization: Basic ${canary}`) })),
    'error properties': (logger) => logger.error(withHeaders),
    'aggregate error': (logger) => logger.error(new AggregateError([new Error(`token=${canary}`)], 'many')),
    'error under another name': (logger) => logger.error({ failure: { message: `secret: "${canary} b"` } }),
    headers: (logger) => logger.info({ headers: { authorization: `Bearer ${canary}`, cookie: `sid=${canary}` } }),
    'raw headers': (logger) => logger.info({ rawHeaders: ['Cookie', `sid=${canary}`, 'X-API-Key', canary] }),
    'cookie in text': (logger) => logger.info(`Cookie: a=b; sid=${canary}`),
    'address with a password': (logger) => logger.info({ url: `postgres://me:${canary}@db.local/x` }),
    'address with odd characters': (logger) => logger.info(`at redis://:p@${canary}:x@cache:6379/0`),
    'query of an address': (logger) => logger.info({ url: `https://x.test/?q=1&access_token=${canary}&b=2` }),
    'connection string': (logger) => logger.info(`host=db password='${canary} x' user=me`),
    'JSON inside text': (logger) => logger.info(`body {"apiKey":"${canary}","a":1}`),
    'provider key': (logger) => logger.info(`sk-proj-${canary}`),
    buffer: (logger) => logger.info({ body: Buffer.from(canary) }),
  };

  it.each(Object.keys(hidingPlaces))('stay out of the log: %s', (place) => {
    for (const format of ['json', 'pretty'] as const) {
      const { logger, lines } = recordingLogger('trace', format);
      hidingPlaces[place]?.(logger);
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toContain(canary);
      expect(lines[0]).not.toContain(String(Buffer.from(canary).toJSON().data));
    }
  });

  it('leave what is no secret as it was', () => {
    const harmless = {
      promptTokens: 12,
      maxTokens: 5,
      url: 'https://example.test/a?page=2',
      idempotency: 'key',
      text: 'The token count was 5; ask Bob at bob@example.test: 10 Basic steps to keep secrets.',
      secret: null,
    };
    expect(redactJson(harmless)).toEqual(harmless);
    expect(['tokens', 'keyboard', 'cookies_seen', 'authorizationUrl'].filter(isSecretName)).toEqual([]);
  });

  it('under a secret name never come back, whatever the value and the depth', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.string(), { maxLength: 5 }), (value, path) => {
        const secret = { password: [canary, value] };
        const nested = path.reduce<unknown>((inner, name) => ({ [`x${name}`]: [inner] }), secret);
        expect(JSON.stringify(redactJson(nested))).not.toContain(canary);
      }),
    );
  });

  it('are looked for in time that grows with the text, however hostile it is', () => {
    for (const unit of ['password', 'a.', 'http://a:', 'Bearer ', 'token="', '-']) {
      expect(redactText(unit.repeat(20_000)).length).toBeGreaterThan(0);
    }
  });
});

describe('levels', () => {
  it.each(['loud', 'info,orchestrator=', '=debug', 'gateway=verbose'])('refuse %s and say what is meant', (list) => {
    expect(() => parseLogLevels(list)).toThrow(
      /MILLRACE_LOG_LEVEL: cannot read .* for example info,orchestrator=debug/,
    );
  });

  it('fall back when nothing is said', () => {
    expect(parseLogLevels(undefined, 'warn').default).toBe('warn');
    expect(parseLogLevels(' ', 'warn').default).toBe('warn');
  });
});
