/** The one process of a laptop, started from its built file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually } from '@millrace/testing';

const builtCommand = fileURLToPath(new URL('../../../apps/millrace/dist/main.js', import.meta.url));

export interface EmbeddedProcess extends AsyncDisposable {
  readonly url: string;
  readonly apiKey: string;
  /** Everything that it printed. */
  readonly output: string;
}

export async function startEmbedded(dataFolder: string, environment: Record<string, string>): Promise<EmbeddedProcess> {
  const child = spawn(process.execPath, [builtCommand, 'start', '--port', '0', '--data', dataFolder, '--json'], {
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let said = '';
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  };
  try {
    const { url, apiKey } = await eventually(() => JSON.parse(said) as { url: string; apiKey: string }, {
      timeoutMs: 90_000,
      describe: 'the process listens',
    });
    return {
      url,
      apiKey,
      get output() {
        return output;
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`Millrace did not start:\n${output}`, { cause: error });
  }
}
