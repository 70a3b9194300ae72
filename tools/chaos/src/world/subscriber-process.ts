/** The subscriber as a process beside those of the cluster. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, guard, startLogged, type LoggedProcess } from '@millrace/servers';
import type { Child } from './supervised-process.js';

export interface SubscriberPlan {
  readonly directory: string;
  readonly nodeArguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const main = fileURLToPath(new URL('../../dist/subscriber/main.js', import.meta.url));

export async function startSubscriber(plan: SubscriberPlan): Promise<Child & { readonly stop: () => Promise<void> }> {
  const healthPort = await freePort();
  const command = {
    program: process.execPath,
    arguments: [...plan.nodeArguments, main],
    directory: plan.directory,
    name: 'subscriber-0',
    environment: { PATH: process.env['PATH'], ...plan.environment, MILLRACE_HEALTH_PORT: String(healthPort) },
    detached: true,
  };
  let current: LoggedProcess = await startLogged(command);
  const release = guard({ directory: plan.directory, name: 'subscriber-0', signal: 'KILL', removes: false });
  return {
    name: 'subscriber-0',
    healthUrl: `http://127.0.0.1:${healthPort}`,
    logFile: join(plan.directory, 'subscriber-0.log'),
    get running() {
      return current.running;
    },
    get exited() {
      return current.ended;
    },
    output: () => current.log(64_000),
    kill: async (signal = 'SIGKILL') => {
      if (!current.running) return current.ended;
      current.signal(signal);
      return signal === 'SIGSTOP' || signal === 'SIGCONT' ? undefined : current.untilEnded();
    },
    restart: async () => {
      current = await startLogged(command);
    },
    stop: async () => {
      current.signal('SIGCONT');
      current.signal('SIGKILL');
      if (current.running) await current.untilEnded();
      release();
    },
  };
}
