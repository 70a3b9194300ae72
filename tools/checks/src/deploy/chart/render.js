import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { goTool } from '../../go-tool.js';

const run = promisify(execFile);
export const chart = 'deploy/helm/millrace';

/** @returns {Promise<string[]>} the values files that a release is tried with */
export async function valuesFiles() {
  const names = (await readdir(join(chart, 'ci'))).filter((name) => name.endsWith('.yaml'));
  return names.sort().map((name) => join(chart, 'ci', name));
}

/** @returns {Promise<string>} what Helm would send to the cluster. @throws Error with Helm's own words */
export async function render(...flags) {
  return helm('template', 'release', chart, '--namespace', 'flows', '--kube-version', '1.30.0', ...flags);
}

export async function helm(...words) {
  try {
    const { stdout } = await run(await goTool('helm'), words, { maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    throw new Error(`helm ${words[0]}: ${error.stderr || error.stdout || error.message}`, { cause: error });
  }
}

/** @param {string} text YAML @returns {object[]} the resources in it, each with the file that it came from */
export function parseManifests(text) {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const resource = document.toJS();
    return resource === null ? [] : [resource];
  });
}
