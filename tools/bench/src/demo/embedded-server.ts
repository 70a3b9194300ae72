/** The laptop's host as a process of its own. */
import { guard, startLogged } from '@millrace/servers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const builtMillrace = fileURLToPath(new URL('../../../../apps/millrace/dist/main.js', import.meta.url));
const startTimeoutMs = 60_000;

export interface EmbeddedServer extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  readonly apiKey: string;
}

/** @throws Error with what it wrote when it does not start */
export async function startEmbedded(folder: string): Promise<EmbeddedServer> {
  const server = await startLogged({
    program: process.execPath,
    arguments: [builtMillrace, 'start', '--port', '0', '--data', folder, '--json'],
    directory: folder,
    environment: { ...process.env, NODE_ENV: 'production', MILLRACE_LOG_LEVEL: 'fatal' },
  });
  const release = guard({ directory: folder, signal: 'TERM', removes: false });
  const stop = async (): Promise<void> => {
    server.signal('SIGTERM');
    await server.untilEnded();
    release();
  };
  const deadline = performance.now() + startTimeoutMs;
  while (!server.log().endsWith('}\n')) {
    if (!server.running || performance.now() > deadline) {
      await stop();
      throw new Error(`The embedded server did not start:\n${server.log()}`);
    }
    await pause(10);
  }
  const { url, apiKey } = JSON.parse(server.log()) as { readonly url: string; readonly apiKey: string };
  return { pid: server.pid, url, apiKey, [Symbol.asyncDispose]: stop };
}
