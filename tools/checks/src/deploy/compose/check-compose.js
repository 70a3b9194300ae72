/** docker-compose.yml, as the loader of Docker Compose itself reads it, with the passwords that the project's command makes. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goTool } from '../../go-tool.js';
import { blindWatching, unwatched } from './watching.js';

const run = promisify(execFile);
const file = 'docker-compose.yml';
const pinned = /^[^\s@]+(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$/;

/** @typedef {{ name: string, isRight: (service: object) => boolean, plant: (service: object) => void }} Rule */

/** @type {Rule[]} */
const rules = [
  {
    name: 'has a read-only root file system',
    isRight: (service) => service.read_only === true,
    plant: (service) => delete service.read_only,
  },
  {
    name: 'drops every capability',
    isRight: (service) => service.cap_drop?.join() === 'ALL',
    plant: (service) => (service.cap_drop = []),
  },
  {
    name: 'gains no privileges',
    isRight: (service) =>
      service.security_opt?.includes('no-new-privileges:true') === true && service.privileged !== true,
    plant: (service) => (service.privileged = true),
  },
  {
    name: 'has limits of CPU and memory',
    isRight: ({ deploy }) => Boolean(deploy?.resources?.limits?.cpus && deploy.resources.limits.memory),
    plant: (service) => delete service.deploy.resources.limits.memory,
  },
  {
    name: 'has a pinned image',
    isRight: ({ image }) => pinned.test(image),
    plant: (service) => (service.image = 'redis:latest'),
  },
  {
    name: 'is reached from this machine only',
    isRight: ({ ports = [] }) => ports.every(({ host_ip }) => host_ip === '127.0.0.1'),
    plant: (service) => (service.ports = [{ target: 80, published: '80' }]),
  },
  {
    name: 'waits for what is healthy or done, not just begun',
    isRight: ({ depends_on = {} }) =>
      Object.values(depends_on).every(({ condition }) => condition !== 'service_started'),
    plant: (service) => (service.depends_on = { nats: { condition: 'service_started' } }),
  },
  {
    name: 'is given time to drain',
    isRight: ({ stop_grace_period: period, build }) => build === undefined || seconds(period) >= 35,
    plant: (service) => Object.assign(service, { build: {}, stop_grace_period: '10s' }),
  },
];

function seconds(period = '0s') {
  const [, minutes = '0', rest = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(period) ?? [];
  return Number(minutes) * 60 + Number(rest);
}

const problemsOf = (services) =>
  Object.entries(services).flatMap(([name, service]) =>
    rules.filter((rule) => !rule.isRight(service)).map((rule) => `not so: ${name} ${rule.name}`),
  );

const blindRules = (services) =>
  rules
    .filter((rule) => {
      const service = structuredClone(services.gateway);
      rule.plant(service);
      return rule.isRight(service);
    })
    .map((rule) => `the rule "${rule.name}" does not find the fault that was planted for it`);

/**
 * The whole model, every default filled in. The loader's program looks at no variables, so the passwords are put into a copy.
 * @throws Error with the loader's words
 */
async function load(passwords) {
  const text = (await readFile(file, 'utf8')).replaceAll(
    /\$\{([A-Z_]+):\?[^}]*\}/g,
    (whole, name) => passwords[name] ?? whole,
  );
  const folder = await mkdtemp(join(tmpdir(), 'millrace-compose-'));
  try {
    await writeFile(join(folder, file), text);
    const program = await goTool('compose-go');
    const { stdout } = await run(program, ['-format', 'json', file], { cwd: folder, maxBuffer: 16 * 1024 * 1024 });
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes passwords as a user would, in a copy of what the command reads. @returns {Promise<Record<string, string>>} */
async function madePasswords() {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-compose-'));
  try {
    await cp(file, join(folder, file));
    await cp('deploy/docker', join(folder, 'deploy/docker'), { recursive: true });
    await run(process.execPath, [join(folder, 'deploy/docker/make-env.js')]);
    const first = await readFile(join(folder, '.env'), 'utf8');
    await run(process.execPath, [join(folder, 'deploy/docker/make-env.js')]);
    if ((await readFile(join(folder, '.env'), 'utf8')) !== first)
      throw new Error('make-env.js changed passwords that were there.');
    if (((await stat(join(folder, '.env'))).mode & 0o077) !== 0) throw new Error('Others may read .env.');
    return Object.fromEntries(
      first
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/).slice(0, 2)),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkCompose() {
  const passwords = await madePasswords();
  const { services } = await load(passwords);
  const unguarded = await load({}).then(
    () => ['it can be started without passwords'],
    (error) => (/run npm run compose:env/.test(error.stderr) ? [] : [error.message]),
  );
  const weak = Object.entries(passwords)
    .filter(([, password]) => password.length < 32)
    .map(([name]) => `${name} is short`);
  const problems = [
    ...problemsOf(services),
    ...blindRules(services),
    ...unguarded,
    ...weak,
    ...(await unwatched(services)),
    ...(await blindWatching(services)),
  ];
  return { ok: problems.length === 0, output: problems.join('\n') };
}

export const composeChecks = [{ name: 'compose', run: checkCompose }];
