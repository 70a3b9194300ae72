/** Restate: its server, a service of its own process as it is deployed, and a caller over HTTP. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { serve } from './protocol.js';

const [ingress, admin, node, service] = await Promise.all(Array.from({ length: 4 }, freePort));
const folder = mkdtempSync(join(tmpdir(), 'bench-restate-'));
const platform = `@restatedev/restate-server-${process.platform}-${process.arch}`;
const manifest = createRequire(import.meta.url).resolve(`${platform}/package.json`);
const server = spawn(
  join(manifest, '../bin/restate-server'),
  ['--base-dir', folder, '--listen-mode', 'tcp', '--no-logo'],
  {
    env: {
      ...process.env,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'off',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  },
);
const steps = spawn(process.execPath, [new URL('service.js', import.meta.url).pathname], {
  env: { ...process.env, PORT: String(service), RESTATE_LOGGING: 'ERROR' },
  stdio: ['ignore', 'ignore', 'inherit'],
});

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function register() {
  const body = JSON.stringify({ uri: `http://127.0.0.1:${service}`, force: true });
  const headers = { 'content-type': 'application/json' };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${admin}/deployments`, { method: 'POST', headers, body }).catch(
      (error) => error,
    );
    if (answer.ok === true) return;
    if (attempt === 120) throw new Error(`Restate does not take the service: ${answer.status ?? answer}`);
    await pause(250);
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 128 });
const call = (work) => (id) =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ id });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { host: '127.0.0.1', port: ingress, path: `/graphs/${work}`, method: 'POST', agent, headers };
    const sent = request(options, async (response) => {
      const text = (await response.toArray()).join('');
      if (response.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`${response.statusCode} ${text}`));
    });
    sent.once('error', reject).end(body);
  });

await register();
await serve({ diamond: call('diamond'), fanout: call('fanout') }, async () => {
  agent.destroy();
  const ended = [server, steps].map((child) => once(child, 'exit'));
  for (const child of [server, steps]) child.kill('SIGTERM');
  await Promise.all(ended);
  rmSync(folder, { recursive: true, force: true });
});
