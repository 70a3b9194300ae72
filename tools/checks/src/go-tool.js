/**
 * Tools that exist only in Go (helm, kubectl-validate, promtool): installed once per version into a cache outside the checkout.
 * Go itself is taken from the PATH; as root on Debian it is installed. A Go that is older than a tool needs fetches the newer one.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const outputLimit = { maxBuffer: 64 * 1024 * 1024 };

/** The pinned tools, with the build tags of some. A program is called like the last element of its package's path. */
const goTools = {
  helm: { package: 'helm.sh/helm/v4/cmd/helm', version: 'v4.3.1' },
  'kubectl-validate': { package: 'sigs.k8s.io/kubectl-validate', version: 'v0.0.4' },
  // The loader of Docker Compose; its program is called `cmd`.
  'compose-go': { package: 'github.com/compose-spec/compose-go/v2/cmd', version: 'v2.16.2' },
  // Without the clouds' service discoveries, which our configuration does not use and which compile for minutes.
  promtool: {
    package: 'github.com/prometheus/prometheus/cmd/promtool',
    version: 'v0.316.0',
    tags: ['remove_all_sd'],
  },
};

/** Modules of which files are read. The oldest releases whose definitions the chart is written for. */
const goModules = {
  'prometheus-operator': 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
  keda: 'github.com/kedacore/keda/v2@v2.17.0',
  'gateway-api': 'sigs.k8s.io/gateway-api@v1.2.0',
};

/** Serves where the Go on this machine is older than 1.21 and so cannot fetch a newer one by itself. */
const toolchain = 'go1.27.4';

const installing = new Map();

/**
 * @param {keyof typeof goTools} name
 * @returns {Promise<string>} the path of the program, installed when it is not yet there (minutes, the first time)
 * @throws Error that says what is missing and how to get it
 */
export function goTool(name) {
  const tool = goTools[name];
  if (tool === undefined)
    throw new Error(`There is no pinned Go tool "${name}"; known are ${Object.keys(goTools).join(', ')}.`);
  if (!installing.has(name)) installing.set(name, cachedOrInstalled(name, tool));
  return installing.get(name);
}

/**
 * @param {keyof typeof goModules} name
 * @returns {Promise<string>} the folder of the module's files, in Go's own cache
 */
export async function goModule(name) {
  const go = await findGo();
  const target = goModules[name];
  const env = { ...process.env, GO111MODULE: 'on', GOTOOLCHAIN: 'auto' };
  try {
    const { stdout } = await run(go, ['mod', 'download', '-json', target], { env, cwd: tmpdir(), ...outputLimit });
    return JSON.parse(stdout).Dir;
  } catch (error) {
    throw new Error(`\`go mod download ${target}\` failed:\n${lastLines(error)}`, { cause: error });
  }
}

const cacheFolder = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace', 'go-tools');

async function cachedOrInstalled(name, tool) {
  const folder = join(cacheFolder(), [`${name}@${tool.version}`, ...(tool.tags ?? [])].join('+'));
  const path = join(folder, basename(tool.package));
  if (isExecutable(path)) return path;
  await mkdir(cacheFolder(), { recursive: true });
  // Moved into place when it is whole, so that a build that is cut short, or another one at the same time, leaves nothing half.
  const fresh = await mkdtemp(join(cacheFolder(), 'installing-'));
  try {
    await install(name, tool, fresh);
    await rename(fresh, folder).catch((error) => {
      if (!isExecutable(path)) throw error;
    });
    return path;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function install(name, tool, folder) {
  const go = await findGo();
  const target = `${tool.package}@${tool.version}`;
  process.stderr.write(`installing ${name}: go install ${target}\n`);
  const env = { ...process.env, GOBIN: folder, GOTOOLCHAIN: 'auto', GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' };
  try {
    await run(go, ['install', '-ldflags=-s -w', `-tags=${(tool.tags ?? []).join(',')}`, target], {
      env,
      ...outputLimit,
    });
  } catch (error) {
    throw new Error(`${name} is needed, and \`go install ${target}\` failed:\n${lastLines(error)}`, { cause: error });
  }
}

/** A Go that can build the tools: 1.21 or later, which fetches a newer one when a tool asks for it. */
async function findGo() {
  const present = locateGo() ?? (await installDebianGo());
  return (await minorVersion(present)) >= 21 ? present : fetchToolchain(present);
}

function locateGo() {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/local/go/bin', '/usr/lib/go/bin');
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, 'go'))
    .find(isExecutable);
}

async function installDebianGo() {
  const advice =
    'The deployment is checked with tools written in Go. Install Go 1.21 or later: https://go.dev/doc/install';
  if (process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get'))
    throw new Error(`There is no go on the PATH. ${advice}`);
  const script = `apt-get install -y --no-install-recommends golang-go ca-certificates ||
    { apt-get update && apt-get install -y --no-install-recommends golang-go ca-certificates; }`;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('sh', ['-c', script], { env, ...outputLimit }).catch((error) => {
    throw new Error(`There is no go on the PATH and apt-get did not install it: ${lastLines(error)}. ${advice}`);
  });
  return locateGo() ?? Promise.reject(new Error(`apt-get installed golang-go, yet there is no go. ${advice}`));
}

async function minorVersion(go) {
  const { stdout } = await run(go, ['version']);
  return Number(/\bgo1\.(\d+)/.exec(stdout)?.[1] ?? 0);
}

/** Go distributes itself as a module too. Permissions and the names of its go.mod files are lost in one; a newer Go restores them itself. */
async function fetchToolchain(oldGo) {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const module = `golang.org/toolchain@v0.0.1-${toolchain}.${platform}`;
  process.stderr.write(`installing ${toolchain}\n`);
  const { stdout } = await run(oldGo, ['mod', 'download', '-json', module], {
    env: { ...process.env, GO111MODULE: 'on', GOFLAGS: '-modcacherw' },
    ...outputLimit,
  }).catch((error) => {
    throw new Error(`Go here is older than 1.21, and ${module} could not be had: ${lastLines(error)}`, {
      cause: error,
    });
  });
  const root = JSON.parse(stdout).Dir;
  const tools = join(root, 'pkg/tool', platform.replace('-', '_'));
  const programs = [...(await programsIn(join(root, 'bin'))), ...(await programsIn(tools))];
  for (const program of programs) await chmod(program, 0o755);
  for (const folder of ['src', 'src/cmd'].map((path) => join(root, path))) {
    if (existsSync(join(folder, '_go.mod'))) await rename(join(folder, '_go.mod'), join(folder, 'go.mod'));
  }
  return join(root, 'bin/go');
}

const programsIn = async (folder) => (await readdir(folder)).map((file) => join(folder, file));

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const lastLines = ({ stderr = '', message = '' }) => (stderr.trim() || message).split('\n').slice(-6).join('\n');
