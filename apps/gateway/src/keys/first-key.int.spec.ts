import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CreatedApiKey } from '@millrace/contracts';
import { connectPostgres } from '@millrace/database';
import { type PostgresServer, startPostgres, startScript, withClient } from '@millrace/testing';
import { TestGateway } from '../gateway.fixture.js';

const keyPattern = /^mr_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}\n$/;

let postgres: PostgresServer;
/** The database as its owner, who migrates, and as the login that the gateway works with. */
let owner: string;
let login: string;

beforeAll(async () => {
  postgres = await startPostgres();
  const url = await postgres.createDatabase('gateway_of_an_owner');
  const as = (user: string) => url.replace(/\/\/[^@]*@/, `//${user}:CANARY@`);
  [owner, login] = [as('gateway_owner'), as('gateway_login')];
  await withClient(url, async (client) => {
    await client.query(`create role gateway_owner login createrole password 'CANARY'`);
    await client.query(`create role gateway_login login password 'CANARY'`);
    await client.query('alter database gateway_of_an_owner owner to gateway_owner');
  });
}, 120_000);
afterAll(async () => {
  await postgres?.stop();
});

/** The gateway's process with these arguments, without a bus. Nothing that it says may hold a password. */
async function gateway(commandLine: readonly string[], environment: Record<string, string> = {}) {
  await using child = startScript(`await import('./apps/gateway/src/main.ts');`, {
    arguments: ['main.js', ...commandLine],
    environment: { MILLRACE_DATABASE_URL: login, MILLRACE_NATS_URL: 'nats://127.0.0.1:9', ...environment },
  });
  const { code } = await child.ended;
  expect(child.output.standard + child.output.error).not.toContain('CANARY');
  return { code, ...child.output };
}

describe('the first key', () => {
  it('is not made before there are tables for it', async () => {
    const early = await gateway(['first-key']);
    expect(early).toMatchObject({ code: 1, standard: '' });
    expect(early.error).toMatch(/^gateway first-key: .*\[database_\w+\]$/ms);
  }, 60_000);

  it('opens the gateway, is printed alone and once, and is refused where there is one', async () => {
    expect(await gateway(['migrate'], { MILLRACE_DATABASE_MIGRATION_URL: owner })).toMatchObject({ code: 0 });
    const first = await gateway(['first-key']);
    expect(first).toMatchObject({ code: 0, standard: expect.stringMatching(keyPattern) });
    expect(first.error).toBe('The first admin key of the tenant default. Keep it: it is shown only now.\n');

    const again = await gateway(['first-key']);
    expect(again).toMatchObject({ code: 1, standard: '' });
    expect(again.error).toMatch(/^gateway first-key: The tenant default has an admin key\..*\[admin_key_exists\]\n$/);

    await using backend = connectPostgres({ connectionString: login });
    await using running = await TestGateway.start({ backend });
    const answer = await running.call('/v1/keys', { key: first.standard.trim() });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ items: [{ name: 'first', role: 'admin' }] });
  }, 120_000);

  it('is one key when several ask at once, each tenant for itself', async () => {
    const asked = await Promise.all([1, 2, 3].map(() => gateway(['first-key', '--tenant', 'blue', '--json'])));
    expect(asked.map(({ code }) => code).sort()).toEqual([0, 1, 1]);
    const key = JSON.parse(asked.map(({ standard }) => standard).join('')) as CreatedApiKey;
    expect(key).toMatchObject({ tenantId: 'blue', name: 'first', role: 'admin', revokedAt: null });
    expect(`${key.secret}\n`).toMatch(keyPattern);
  }, 120_000);

  it.each([
    [['--tenant', 'Not one'], 64, /--tenant must be 1 to 63 lower-case letters.*\[invalid_arguments\]/],
    [['--tenent', 'blue'], 64, /Unknown option '--tenent'/],
    [['--tenant'], 64, /argument missing/],
    [['blue'], 64, /Unexpected argument 'blue'/],
  ])(
    'is not made for arguments that are wrong: %j',
    async (commandLine, code, message) => {
      const refused = await gateway(['first-key', ...commandLine]);
      expect(refused).toMatchObject({ code, standard: '', error: expect.stringMatching(message) });
    },
    60_000,
  );

  it.each([
    ['', 78, /MILLRACE_DATABASE_URL is not set/],
    ['postgres://me:CANARY@127.0.0.1:9/x', 1, /\[database_unavailable\]/],
  ])(
    'is not made without a database: "%s"',
    async (url, code, message) => {
      const refused = await gateway(['first-key'], { MILLRACE_DATABASE_URL: url });
      expect(refused).toMatchObject({ code, standard: '', error: expect.stringMatching(message) });
    },
    60_000,
  );

  it('stands in the help', async () => {
    const help = await gateway(['first-key', '--help']);
    expect(help).toMatchObject({ code: 0, error: '' });
    expect(help.standard).toContain('first-key [--tenant <id>] [--json]');
  }, 60_000);
});
