/**
 * `npm run test:gguf`: the specs of models in this process, with the real node-llama-cpp. It is installed into a folder that is
 * removed afterwards, with the binaries for the processor alone: 70 megabytes of 700. `MILLRACE_TEST_LLAMA` names a folder
 * where it is installed already.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = '3.22.1';
const binaries = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
}[`${process.platform}-${process.arch}`];

function run(command, words, options) {
  const { status, error } = spawnSync(command, words, { stdio: 'inherit', ...options });
  if (error) throw error;
  return status ?? 1;
}

function install(folder) {
  if (binaries === undefined)
    throw new Error(`node-llama-cpp has no binaries for ${process.platform} ${process.arch}.`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const packages = [`node-llama-cpp@${version}`, `@node-llama-cpp/${binaries}@${version}`];
  const flags = ['--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  return run('npm', ['install', ...flags, ...packages], { cwd: folder });
}

const specs = [
  '--experimental-vm-modules',
  '--no-warnings',
  'node_modules/jest/bin/jest.js',
  '-c',
  'jest.library.config.js',
];
const given = process.env['MILLRACE_TEST_LLAMA'];
const folder = given ?? mkdtempSync(join(tmpdir(), 'millrace-llama-'));
try {
  const installed = given === undefined ? install(folder) : 0;
  process.exitCode =
    installed === 0
      ? run(process.execPath, [...specs, ...process.argv.slice(2)], {
          env: { ...process.env, MILLRACE_TEST_LLAMA: folder },
        })
      : installed;
} finally {
  if (given === undefined) rmSync(folder, { recursive: true, force: true });
}
