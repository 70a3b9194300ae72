/** Builds what an image would hold without a container engine: the Dockerfile's own steps, each stage in a folder of its own. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { stagesOf } from './dockerfile.js';

const run = promisify(execFile);

/**
 * Carries out the stages `manifests`, `packages` and `assembly` below `scratch`; the stage `build` is this checkout, which is built.
 * @returns {Promise<string>} the folder that an image of the service has as `/app`
 */
export async function buildTree(service, scratch) {
  const stages = stagesOf(await readFile('Dockerfile', 'utf8'));
  await mkdir(join(scratch, 'build'), { recursive: true });
  await symlink(process.cwd(), join(scratch, 'build', 'build'));
  for (const name of ['manifests', 'packages', 'assembly']) {
    const stage = stages.find((one) => one.name === name);
    if (stage === undefined) throw new Error(`The Dockerfile has no stage ${name}.`);
    await carryOut(stage, join(scratch, name), scratch, { SERVICE: service });
  }
  return join(scratch, 'assembly', 'app');
}

async function carryOut({ instructions }, root, scratch, variables) {
  let place = root;
  for (const { keyword, text, flags, line } of instructions) {
    if (keyword === 'WORKDIR') {
      place = join(root, text);
      await mkdir(place, { recursive: true });
    } else if (keyword === 'COPY') await copy(text, flags, place, scratch, variables);
    else if (keyword === 'RUN') await execute(text, place, variables);
    else if (keyword !== 'ARG')
      throw new Error(`Dockerfile:${line}: ${keyword} is not expected in a stage that builds.`);
  }
}

async function copy(text, flags, place, scratch, variables) {
  const [source, target] = text.replaceAll(/\$\{(\w+)\}/g, (_, name) => variables[name]).split(/\s+/);
  const from = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length);
  if (from === undefined && source === '.') return copyContext(place);
  const origin = from === undefined ? resolve(source) : join(scratch, from, source);
  const into =
    target.endsWith('/') && !source.endsWith('/') ? join(place, target, source.split('/').at(-1)) : join(place, target);
  await mkdir(dirname(into), { recursive: true });
  // What npm links within a stage must stay relative; of this checkout the packages are left where they are.
  const isWanted = (path) => from !== 'build' || !/\/(node_modules|out-tsc|src)(\/|$)/.test(path.slice(origin.length));
  await cp(origin, into, { recursive: true, verbatimSymlinks: true, filter: isWanted });
}

/** What git knows of this checkout, which is more than `.dockerignore` lets through and all that the stages look at. */
async function copyContext(place) {
  const { stdout } = await run('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '*package.json',
    'package-lock.json',
    '.npmrc',
  ]);
  for (const path of stdout.split('\n').filter(Boolean)) {
    await mkdir(dirname(join(place, path)), { recursive: true });
    await cp(path, join(place, path));
  }
}

async function execute(command, cwd, variables) {
  const { PATH, HOME } = process.env;
  // This checkout was installed from the same lockfile: asking the registry again what it knows takes minutes on a slow network.
  const env = { PATH, HOME, ...variables, npm_config_prefer_offline: 'true' };
  await run('sh', ['-c', command], { cwd, env, maxBuffer: 64 * 1024 * 1024 }).catch((error) => {
    throw new Error(`${command.slice(0, 100)}: ${error.stderr || error.message}`, { cause: error });
  });
}
