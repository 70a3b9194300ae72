/** What an image would hold, built here and started: as a user without rights, from files that it cannot change, on real servers. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram, freePort, launchNats, launchPostgres } from '@millrace/servers';
import { buildTree } from './build-tree.js';
import { checkDockerfile } from './dockerfile.js';

const run = promisify(execFile);
const files = 'deploy/helm/millrace/files';
/** Those that read more than their code, and one with HTTP; the others are built by the same steps. */
const services = ['orchestrator', 'research', 'llm-provider', 'gateway'];
const readyTimeoutMs = 120_000;
/** Node as the unprivileged user runs it: beside the tree. */
const nodeOf = (app) => join(dirname(app), 'node');
const unprivileged = process.getuid?.() === 0 ? { uid: 10_001, gid: 10_001 } : {};
const operator = { user: 'operator', password: 'p-operator' };
const password = (kind, service) => `p-${kind}-${service}`;
const upper = (service) => service.replaceAll('-', '_').toUpperCase();

async function checkImage(service) {
  const scratch = await mkdtemp(join(tmpdir(), 'millrace-image-'));
  await chmod(scratch, 0o755);
  try {
    const app = await buildTree(service, scratch);
    // The checkout may lie where nobody else may enter, and Node with it.
    await copyFile(process.execPath, nodeOf(app));
    const problems = [...(await developmentPackages(app)), ...(await leftovers(app))];
    await run('chmod', ['-R', 'a-w,a+rX', app]);
    const megabytes = Number((await run('du', ['-sm', app])).stdout.split('\t')[0]);
    problems.push(...(await startOnServers(service, app)));
    process.stdout.write(`       ${service}: ${megabytes} MB without Node\n`);
    return { ok: problems.length === 0, output: problems.join('\n') };
  } finally {
    await run('chmod', ['-R', 'u+w', scratch]);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Packages that only development names, anywhere in this workspace, and that are installed all the same. */
async function developmentPackages(app) {
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8'));
  const installed = await installedPackages(join(app, 'node_modules'));
  return installed
    .filter((name) => lock.packages[`node_modules/${name}`]?.dev === true)
    .map((name) => `${name} is for development only`);
}

async function installedPackages(folder) {
  const names = await readdir(folder);
  const scoped = names.filter((name) => name.startsWith('@'));
  const inScopes = await Promise.all(
    scoped.map(async (scope) => (await readdir(join(folder, scope))).map((name) => `${scope}/${name}`)),
  );
  return [...names.filter((name) => !/^[@.]/.test(name)), ...inScopes.flat()];
}

/** Sources and tests have no place in an image. */
async function leftovers(app) {
  const ours = ['apps', 'libs'].map((group) => join(app, group));
  const { stdout } = await run('find', [
    ...ours,
    '-path',
    '*/node_modules',
    '-prune',
    '-o',
    '-name',
    '*.ts',
    '-print',
    '-o',
    '-name',
    '*.spec.*',
    '-print',
  ]);
  return stdout.split('\n').filter(Boolean);
}

async function startOnServers(service, app) {
  const postgres = await launchPostgres();
  try {
    await provision(postgres.url);
    Object.assign(process.env, natsPasswords());
    const nats = await launchNats({ config: await natsUsers(), credentials: operator });
    try {
      return await migrateAndServe(service, app, nats, postgres);
    } finally {
      await nats.stop();
    }
  } finally {
    await postgres.stop();
  }
}

/** The users of an installation, and one for whoever starts the server and asks it whether it is ready. */
async function natsUsers() {
  const users = await readFile(join(files, 'generated/nats-users.conf'), 'utf8');
  return users.replace('users: [', `users: [ ${JSON.stringify(operator)}`);
}

const natsPasswords = () =>
  Object.fromEntries(
    ['gateway', 'orchestrator', 'research', 'llm-provider', 'evaluation', 'toolbox'].map((name) => [
      `NATS_PASSWORD_${upper(name)}`,
      password('nats', name),
    ]),
  );

/** The script that makes databases and users in docker-compose and in the chart's trial. */
async function provision(url) {
  const { port, password: PGPASSWORD, hostname } = new URL(url);
  const passwords = ['gateway', 'orchestrator', 'research', 'llm-provider', 'evaluation'].flatMap((name) => [
    [`OWNER_PASSWORD_${upper(name)}`, password('owner', name)],
    [`DATABASE_PASSWORD_${upper(name)}`, password('login', name)],
  ]);
  await findProgram({
    program: 'psql',
    debianPackage: 'postgresql-client',
    otherwise: 'https://www.postgresql.org/download',
  });
  const server = { PGHOST: hostname, PGPORT: port, PGPASSWORD, POSTGRES_USER: 'postgres' };
  await run('sh', [join(files, 'provision.sh')], {
    env: { PATH: process.env.PATH, ...server, ...Object.fromEntries(passwords) },
  });
}

async function migrateAndServe(service, app, nats, postgres) {
  const { host } = new URL(postgres.url);
  const database = `millrace_${service.replaceAll('-', '_')}`;
  const login = `postgres://${database}:${password('login', service)}@${host}/${database}`;
  const owner = `postgres://${database}_owner:${password('owner', service)}@${host}/${database}`;
  const health = await freePort();
  const environment = {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    MILLRACE_LOG_FORMAT: 'json',
    MILLRACE_NATS_URL: `nats://127.0.0.1:${nats.port}`,
    MILLRACE_NATS_USER: service,
    MILLRACE_NATS_PASSWORD: password('nats', service),
    MILLRACE_DATABASE_URL: login,
    MILLRACE_DATABASE_MIGRATE: 'never',
    MILLRACE_HEALTH_HOST: '127.0.0.1',
    MILLRACE_HEALTH_PORT: String(health),
    MILLRACE_HTTP_PORT: '0',
  };
  const start = (words, more) => startProcess(join(app, 'main.js'), words, { ...environment, ...more });
  const early = await start([]).ended;
  const migration = await start(['migrate'], { MILLRACE_DATABASE_MIGRATION_URL: owner }).ended;
  const serving = start([]);
  const isReady = await becomesReady(`http://127.0.0.1:${health}/readyz`, serving);
  const firstKey = service === 'gateway' ? await start(['first-key']).ended : undefined;
  serving.child.kill('SIGTERM');
  const end = await serving.ended;
  return [
    ...(early.code === 1 && early.error.includes('[database_schema_outdated]')
      ? []
      : [`before the migration: ${words(early)}`]),
    ...(migration.code === 0 ? [] : [`migrate: ${words(migration)}`]),
    ...(firstKey === undefined || /^mr_\w+\n$/.test(firstKey.output) ? [] : [`first-key: ${words(firstKey)}`]),
    ...(isReady && end.code === 0 ? [] : [`the service: ready ${isReady}, ${words(end)}`]),
  ];
}

const words = ({ code, error, output }) => `exit ${code}, ${error || output.slice(-2_000)}`;

function startProcess(main, commandLine, env) {
  const child = spawn(nodeOf(dirname(main)), [main, ...commandLine], {
    cwd: '/',
    env,
    ...unprivileged,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let error = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (error += chunk));
  const ended = once(child, 'close').then(([code]) => ({ code, output, error }));
  return { child, ended };
}

async function becomesReady(url, { ended }) {
  let isOver = false;
  void ended.then(() => (isOver = true));
  const deadline = Date.now() + readyTimeoutMs;
  while (!isOver && Date.now() < deadline) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** @type {import('../../run-checks.js').Check[]} */
export const imageChecks = [
  { name: 'Dockerfile', run: checkDockerfile },
  ...services.map((service) => ({ name: `image ${service}`, run: () => checkImage(service) })),
];
