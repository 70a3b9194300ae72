/** Every service as the process that its `main.ts` makes, over a NATS and a Postgres that are taken away and come back. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { envelopeOf, taskIdOf, toolTask } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { connectJetStream, type OutgoingMessage } from '@millrace/messaging';
import {
  eventually,
  type NatsServer,
  type PostgresServer,
  type ScriptProcess,
  startNatsServer,
  startPostgres,
  startScript,
} from '@millrace/testing';
import { connect } from '@nats-io/transport-node';

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

/** Requests to the JetStream API of the server, as any client may send them, one right after the other. */
async function ask(...requests: readonly (readonly [subject: string, payload: object])[]): Promise<unknown[]> {
  const client = await connect({ servers: nats.url });
  const send = async ([subject, payload]: (typeof requests)[number]): Promise<unknown> =>
    (await client.request(subject, JSON.stringify(payload), { timeout: 5_000, noMux: true })).json();
  try {
    return await Promise.all(requests.map(send));
  } finally {
    await client.close();
  }
}

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

/** A task of the toolbox that takes longer than any grace period. */
function longTask(node: string): OutgoingMessage {
  const runId = newId('run');
  const taskId = taskIdOf(runId, node, 1);
  const input = { tool: 'delay', arguments: { milliseconds: 60_000 } };
  const task = { taskId, runId, node, attempt: 1, input, stream: false, replyTo: 'result.0.v1' };
  const context = { tenantId: 'acme', correlationId: 'cor_1', causationId: null };
  return { subject: toolTask.subject, envelope: { ...envelopeOf(toolTask, context, task), id: taskId } };
}

const withDatabase = (): ServiceProcess[] => processes.filter(({ name }) => !withoutDatabase.has(name));

describe('every service', () => {
  it('is ready once it has started', () => allBecome(processes, 200), 120_000);

  it('hands back at its end what it cannot finish, so that another one gets it at once', async () => {
    const [toolbox] = processes.filter(({ name }) => name === 'toolbox');
    const nodes = ['a', 'b', 'c'];
    const bus = await connectJetStream({ servers: nats.url, name: 'spec' });
    await Promise.all(nodes.map((node) => bus.publish(longTask(node))));
    await bus.drain({ graceMs: 1_000 });
    const working = { num_ack_pending: nodes.length, num_pending: 0 };
    await eventually(
      async () => expect(await ask(['$JS.API.CONSUMER.INFO.TASKS.worker-tool', {}])).toMatchObject([working]),
      {
        describe: 'the tasks are with the toolbox',
      },
    );
    await toolbox?.script.kill('SIGTERM');
    expect(await toolbox?.script.ended).toMatchObject({ code: 0, signal: null });
    // Long before the server would deliver them by itself. A message may come twice: the last word about it may have been late.
    const next = ['$JS.API.CONSUMER.MSG.NEXT.TASKS.worker-tool', { batch: 1, expires: 1_000_000_000 }] as const;
    const handed = new Set<string>();
    await eventually(
      async () => {
        const [task] = await ask(next);
        handed.add((task as { data: { node: string } }).data.node);
        return handed.size === nodes.length;
      },
      { timeoutMs: 15_000, describe: 'every task is handed to another one' },
    );
    processes = [...processes.filter((each) => each !== toolbox), await start('toolbox')];
  }, 240_000);

  it('is not ready while NATS is away, lives on, and is ready by itself when it is back', async () => {
    await nats.kill();
    await allBecome(processes, 503, /^bus: /);
    await expectAllAlive();
    await nats.restart();
    await allBecome(processes, 200);
  }, 240_000);

  it('is not ready while its consumer is gone, lives on, and makes it anew as soon as it can', async () => {
    const toolbox = processes.filter(({ name }) => name === 'toolbox');
    const foreign = { durable_name: 'foreign', ack_policy: 'explicit', filter_subject: toolTask.subject };
    // Its owner may be quicker to make it again; then once more.
    await eventually(
      async () => {
        const [, created] = await ask(
          ['$JS.API.CONSUMER.DELETE.TASKS.worker-tool', {}],
          ['$JS.API.CONSUMER.DURABLE.CREATE.TASKS.foreign', { stream_name: 'TASKS', config: foreign }],
        );
        expect(created).toMatchObject({ name: 'foreign' });
        return true;
      },
      { describe: 'the subject is taken by another consumer' },
    );
    await allBecome(toolbox, 503, /^bus: .*worker-tool/);
    await expectAllAlive();
    expect(await ask(['$JS.API.CONSUMER.DELETE.TASKS.foreign', {}])).toMatchObject([{ success: true }]);
    await allBecome(processes, 200);
  }, 240_000);

  it('ends in good order and in time though NATS has fallen silent', async () => {
    const toolbox = await start('toolbox');
    const bus = await connectJetStream({ servers: nats.url, name: 'spec' });
    await bus.publish(longTask('a'));
    await bus.drain({ graceMs: 1_000 });
    await nats.kill('SIGSTOP');
    const toldAt = performance.now();
    await toolbox.script.kill('SIGTERM');
    expect(await toolbox.script.ended).toMatchObject({ code: 0, signal: null });
    expect(performance.now() - toldAt).toBeLessThan(graceMs + marginMs);
    await nats.kill('SIGCONT');
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
    const endedWell = ({ name }: ServiceProcess) => ({ name, code: 0, signal: null, inTime: true });
    expect(await Promise.all(endings)).toEqual(processes.map(endedWell));
  }, 120_000);
});
