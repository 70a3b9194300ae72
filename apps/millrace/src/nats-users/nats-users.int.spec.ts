import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startNatsServer } from '@millrace/testing';
import { connect } from '@nats-io/transport-node';
import { tmpdir } from 'node:os';
import { type } from '../terminal/captured-terminal.fixture.js';

const variables = [
  'OPERATOR',
  'GATEWAY',
  'ORCHESTRATOR',
  'RESEARCH',
  'LLM_PROVIDER',
  'EVALUATION',
  'TOOLBOX',
  'EVENTS_ACME',
];
const nameOf = (variable: string): string => `MILLRACE_NATS_PASSWORD_${variable}`;

beforeAll(() => {
  for (const variable of variables) process.env[nameOf(variable)] = `p-${variable}`;
});
afterAll(() => {
  for (const variable of variables) delete process.env[nameOf(variable)];
});

describe('nats-users', () => {
  it('prints users that a nats-server takes, with passwords from its environment', async () => {
    const { code, out } = await type(['nats-users', '--tenant', 'acme'], { folder: tmpdir() });
    expect(code).toBe(0);
    await using server = await startNatsServer({ config: out });
    const login = async (user: string, pass: string) => {
      const connection = await connect({ servers: server.url, user, pass, reconnect: false });
      await connection.close();
    };
    await login('llm-provider', 'p-LLM_PROVIDER');
    await login('events-acme', 'p-EVENTS_ACME');
    await expect(login('events-acme', 'p-GATEWAY')).rejects.toThrow(/authorization/i);
  });

  it.each([[['--tenant', 'Acme']], [['--tenant', 'a-b', '--tenant', 'a_b']], [['acme']]])(
    'refuses %j',
    async (words) => {
      expect(await type(['nats-users', ...words], { folder: tmpdir() })).toMatchObject({ code: 64, out: '' });
    },
  );
});
