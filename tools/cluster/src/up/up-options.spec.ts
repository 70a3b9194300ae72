import { describe, expect, it } from '@jest/globals';
import { CommanderError } from 'commander';
import { type UpFlags, upProgram } from './up-options.js';

async function type(...words: string[]) {
  const shown = { out: '', error: '' };
  let flags: UpFlags | undefined;
  const terminal = {
    out: (text: string) => void (shown.out += text),
    error: (text: string) => void (shown.error += text),
  };
  const program = upProgram((given) => Promise.resolve(void (flags = given)), terminal);
  const thrown: unknown = await program.parseAsync(words, { from: 'user' }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { ...shown, flags, exitCode: thrown instanceof CommanderError ? thrown.exitCode : 0 };
}

describe('the words after npm run up', () => {
  it('have defaults that serve a laptop', async () => {
    expect((await type()).flags).toEqual({ data: '.millrace/up', port: 8080, tenant: 'default' });
  });

  it('name replicas, servers and tenants', async () => {
    const { flags } = await type(
      ...['--replicas', 'orchestrator=2, llm-provider=3', '--nats-url', 'nats://a:4222,nats://b:4222'],
      ...['--redis-url', 'none', '--events-for', 'acme', '--events-for', 'globex'],
    );
    expect(flags).toMatchObject({
      replicas: { orchestrator: 2, 'llm-provider': 3 },
      natsUrl: 'nats://a:4222,nats://b:4222',
      redisUrl: 'none',
      eventsFor: ['acme', 'globex'],
    });
  });

  it.each([
    [['now']],
    [['--dance']],
    [['--port', '80a']],
    [['--port', '70000']],
    [['--replicas', 'dancer=2']],
    [['--replicas', 'gateway=0']],
    [['--replicas', 'gateway=33']],
    [['--replicas', 'gateway=2,gateway=3']],
    [['--replicas', 'gateway']],
    [['--replicas', '']],
    [['--nats-url', 'localhost']],
    [['--postgres-url', 'mysql://x']],
    [['--redis-url', 'no']],
    [['--tenant', 'Acme']],
    [['--events-for', 'acme.>']],
  ])('%j are refused with the usage', async (words) => {
    const { exitCode, error, flags } = await type(...words);
    expect(exitCode).not.toBe(0);
    expect(error).toMatch(/^error: .*\n\nUsage: up/);
    expect(flags).toBeUndefined();
  });

  it('are not repeated where they hold a password', async () => {
    const { error } = await type('--nats-url', 'http://user:hunter2@somewhere');
    expect(error).toContain('must be an address that begins with nats://');
    expect(error).not.toContain('hunter2');
  });

  it('show a help that says what they do', async () => {
    const { out } = await type('--help');
    for (const word of ['--replicas', '--nats-url', '--json', '.millrace/up', 'Exit codes'])
      expect(out).toContain(word);
  });
});
