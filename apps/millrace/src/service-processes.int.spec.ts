/** Every service as the process that its `main.ts` makes, over a NATS and a Postgres that are taken away and come back. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  eventually,
  type NatsServer,
  type PostgresServer,
  type ScriptProcess,
  startNatsServer,
  startPostgres,
  startScript,
} from '@millrace/testing';

const names = ['orchestrator', 'research', 'llm-provider', 'evaluation', 'toolbox', 'gateway'] as const;
const withoutDatabase: ReadonlySet<string> = new Set(['toolbox']);
const graceMs = 3_000;
/** What a process may take on top of its grace period. */
const marginMs = 5_000;

interface ServiceProcess {
  readonly name: string;
  readonly script: ScriptProcess;
  /** Of the address that only operators see. */
  readonly url: string;
}

let nats: NatsServer;
let postgres: PostgresServer;
let processes: ServiceProcess[];

beforeAll(async () => {
  [nats, postgres] = await Promise.all([startNatsServer({ exclusive: true }), startPostgres({ exclusive: true })]);
  processes = await Promise.all(names.map(start));
}, 300_000);

afterAll(async () => {
  await Promise.all(processes.map(({ script }) => script.kill()));
  await Promise.all([nats.stop(), postgres.stop()]);
}, 60_000);

async function start(name: (typeof names)[number]): Promise<ServiceProcess> {
  const environment = {
    MILLRACE_NATS_URL: nats.url,
    MILLRACE_DATABASE_URL: withoutDatabase.has(name) ? '' : await postgres.createDatabase(name.replaceAll('-', '_')),
    MILLRACE_HEALTH_HOST: '127.0.0.1',
    MILLRACE_HEALTH_PORT: '0',
    MILLRACE_HTTP_PORT: '0',
    MILLRACE_LOG_FORMAT: 'json',
    MILLRACE_DRAIN_GRACE_MS: String(graceMs),
  };
  const script = startScript(`await import('./apps/${name}/src/main.ts');`, { environment });
  const [, url = ''] = await eventually(
    () => /"health":"(http:[^"]+)"/.exec(script.output.standard) ?? Promise.reject(new Error(script.output.error)),
    { timeoutMs: 240_000, describe: `${name} is ready` },
  );
  return { name, script, url };
}

interface Readiness {
  readonly status: number;
  readonly problems: readonly string[];
}

async function readinessOf({ url }: ServiceProcess): Promise<Readiness> {
  const response = await fetch(`${url}/readyz`);
  const { problems } = (await response.json()) as { problems: readonly string[] };
  return { status: response.status, problems };
}

const becomes = (service: ServiceProcess, status: number, problem?: RegExp): Promise<unknown> =>
  eventually(
    async () => {
      const readiness = await readinessOf(service);
      return (
        readiness.status === status && (problem === undefined || readiness.problems.some((each) => problem.test(each)))
      );
    },
    { timeoutMs: 90_000, describe: `${service.name} answers ${status}` },
  );

const allBecome = (services: readonly ServiceProcess[], status: number, problem?: RegExp): Promise<unknown> =>
  Promise.all(services.map((service) => becomes(service, status, problem)));

async function expectAllAlive(): Promise<void> {
  for (const { url } of processes) expect((await fetch(`${url}/healthz`)).status).toBe(200);
}

const withDatabase = (): ServiceProcess[] => processes.filter(({ name }) => !withoutDatabase.has(name));

describe('every service', () => {
  it('is ready once it has started', () => allBecome(processes, 200), 120_000);

  it('is not ready while NATS is away, lives on, and is ready by itself when it is back', async () => {
    await nats.kill();
    await allBecome(processes, 503, /^bus: /);
    await expectAllAlive();
    await nats.restart();
    await allBecome(processes, 200);
  }, 240_000);

  it('is not ready while its Postgres is away, lives on, and is ready by itself when it is back', async () => {
    await postgres.kill();
    await allBecome(withDatabase(), 503, /^database/);
    await expectAllAlive();
    await postgres.restart();
    await allBecome(processes, 200);
  }, 240_000);

  it('ends in time when it is told to, though NATS and Postgres are away', async () => {
    await Promise.all([nats.kill(), postgres.kill()]);
    await allBecome(withDatabase(), 503, /^database/);
    const toldAt = performance.now();
    const endings = processes.map(async ({ name, script }) => {
      await script.kill('SIGTERM');
      const { code, signal } = await script.ended;
      return { name, code, signal, inTime: performance.now() - toldAt < graceMs + marginMs };
    });
    expect(await Promise.all(endings)).toEqual(names.map((name) => ({ name, code: 0, signal: null, inTime: true })));
  }, 120_000);
});
