/** Portkey's gateway, as its npm package starts it, before the same model. It checks no keys and keeps no budgets. */
import { freePort } from '@millrace/servers';
import { eventually } from '@millrace/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { installedPeer } from '../installed-peer.js';
import type { Endpoint } from './load.js';

export interface Portkey extends AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly pid: number;
}

export async function startPortkey(upstream: string, report: (text: string) => void): Promise<Portkey> {
  const folder = await installedPeer('portkey', report);
  const port = await freePort();
  const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  const child = spawn(process.execPath, [program, `--port=${port}`, '--headless'], {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await eventually(() => fetch(`http://127.0.0.1:${port}/`).then(({ status }) => status < 500), {
    timeoutMs: 60_000,
    describe: 'Portkey answers',
  });
  return {
    pid: child.pid ?? 0,
    endpoint: {
      baseUrl: `http://127.0.0.1:${port}/v1`,
      apiKey: 'none',
      modelPrefix: '',
      headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': upstream },
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}
