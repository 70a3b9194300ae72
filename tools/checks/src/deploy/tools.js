import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { goTool } from '../go-tool.js';

/** Whether a tool that the other checks need can be had here and starts. */
export async function checkTool(name, versionArguments) {
  const { stdout } = await promisify(execFile)(await goTool(name), versionArguments);
  return { ok: stdout !== '', output: `${name} printed nothing` };
}
