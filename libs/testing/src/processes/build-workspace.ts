import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lockFolder } from '@millrace/database';
import { eventually } from '../eventually.js';

const run = promisify(execFile);
const workspace = fileURLToPath(new URL('../../../../', import.meta.url));
const buildTimeoutMs = 180_000;

/**
 * Builds what changed since the last build, for tests that start built processes: no build needs to precede a test. Test
 * processes take turns.
 * @throws Error with what the compiler says
 */
export async function buildWorkspace(): Promise<void> {
  const folder = join(workspace, 'node_modules', '.cache', 'millrace-build');
  mkdirSync(folder, { recursive: true });
  const unlock = await eventually(() => lockFolder(folder), {
    timeoutMs: buildTimeoutMs,
    describe: 'no other test builds the workspace',
  });
  try {
    await run(process.execPath, ['node_modules/tsgo/bin/tsc', '-b', 'tsconfig.build.json'], {
      cwd: workspace,
      env: { ...process.env, NODE_OPTIONS: '' },
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (error) {
    throw new Error(`The workspace does not build:\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error });
  } finally {
    await unlock();
  }
}
