/** One service as a process of its own: started from its built files, watched until ready, killed, started again. */
import { mkdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { MillraceError } from '@millrace/kernel';
import type { ServiceName } from '@millrace/messaging';
import { describeExit, guard, startLogged, type ExitInfo, type LoggedProcess } from '@millrace/servers';
import { join } from 'node:path';
import { builtApp } from './built-app.js';

export interface ServiceProcess {
  readonly service: ServiceName;
  /** From 0. */
  readonly replica: number;
  /** `orchestrator-0` */
  readonly name: string;
  readonly pid: number;
  readonly running: boolean;
  /** Where it answers `/healthz`, `/readyz` and `/metrics`; the same after a restart. */
  readonly healthUrl: string;
  /** Where a gateway serves callers; the same after a restart. */
  readonly url: string | undefined;
  readonly logFile: string;
  /** The end of what it has logged since it was last started. */
  output(): string;
  /** Sends a signal (default SIGKILL) and, unless it only pauses or continues the process, waits for its end. */
  kill(signal?: NodeJS.Signals): Promise<ExitInfo | undefined>;
  /** Starts it again with the same ports and variables, after a drain where it still runs. Does not wait until it is ready. */
  restart(): Promise<void>;
  /** @throws MillraceError `service_ended`, `service_not_ready` */
  untilReady(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** How the process that runs now, or ran last, ended. */
  readonly exited: Promise<ExitInfo>;
}

export interface ServicePlan {
  readonly service: ServiceName;
  readonly replica: number;
  /** For logs and the process id. */
  readonly folder: string;
  readonly healthPort: number;
  readonly httpPort: number | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly nodeArguments: readonly string[];
}

/**
 * A service allocates much and keeps little. With the default of 1 MiB its young generation is collected all the time: that
 * costs an eighth of its processor time, and these MiB cost some 30 MiB of memory.
 */
const youngGeneration = '--min-semi-space-size=16';

/** How long a drain may take before the process is killed: its grace period and then some. */
const drainTimeoutMs = 45_000;
const readyTimeoutMs = 60_000;
const lookEveryMs = 25;
const probeTimeoutMs = 2_000;

export class LocalServiceProcess implements ServiceProcess {
  readonly service: ServiceName;
  readonly replica: number;
  readonly name: string;
  readonly healthUrl: string;
  readonly url: string | undefined;
  readonly logFile: string;

  private constructor(
    private readonly plan: ServicePlan,
    private process: LoggedProcess,
    private readonly releaseGuard: () => void,
  ) {
    const { service, replica, healthPort, httpPort, folder } = plan;
    this.service = service;
    this.replica = replica;
    this.name = `${service}-${replica}`;
    this.url = httpPort === undefined ? undefined : `http://127.0.0.1:${httpPort}`;
    this.healthUrl = `http://127.0.0.1:${healthPort}`;
    this.logFile = join(folder, `${this.name}.log`);
  }

  static async start(plan: ServicePlan): Promise<LocalServiceProcess> {
    const { folder: directory, service, replica } = plan;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const process = await spawnService(plan);
    const release = guard({ directory, name: `${service}-${replica}`, signal: 'TERM', removes: false });
    return new LocalServiceProcess(plan, process, release);
  }

  get pid(): number {
    return this.process.pid;
  }

  get running(): boolean {
    return this.process.running;
  }

  get exited(): Promise<ExitInfo> {
    return this.process.ended;
  }

  output(): string {
    return this.process.log(64_000);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ExitInfo | undefined> {
    if (!this.process.running) return this.process.ended;
    this.process.signal(signal);
    return signal === 'SIGSTOP' || signal === 'SIGCONT' ? undefined : this.process.untilEnded();
  }

  async restart(): Promise<void> {
    await this.drain();
    this.process = await spawnService(this.plan);
  }

  /** Asks it to end in good order; kills it when that takes too long. */
  async drain(): Promise<ExitInfo> {
    if (!this.process.running) return this.process.ended;
    this.process.signal('SIGCONT');
    this.process.signal('SIGTERM');
    const timer = setTimeout(() => this.process.signal('SIGKILL'), drainTimeoutMs);
    try {
      return await this.process.untilEnded();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Drains it for good. */
  async stop(): Promise<ExitInfo> {
    const exit = await this.drain();
    this.releaseGuard();
    return exit;
  }

  async untilReady({
    timeoutMs = readyTimeoutMs,
    signal,
  }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await answersReady(this.healthUrl))) {
      signal?.throwIfAborted();
      if (!this.process.running) throw await this.endedEarly();
      if (performance.now() > deadline) {
        throw new MillraceError(
          'timeout',
          'service_not_ready',
          `${this.name} is not ready after ${timeoutMs} ms; its log is ${this.logFile}.`,
        );
      }
      await pause(lookEveryMs);
    }
  }

  private async endedEarly(): Promise<MillraceError> {
    const how = describeExit(await this.process.ended);
    const last = this.process.log(2_000).trimEnd();
    const message = `${this.name} ended (${how}) before it was ready; its log is ${this.logFile}:\n${last}`;
    return new MillraceError('unavailable', 'service_ended', message);
  }
}

function spawnService({ service, replica, folder, environment, nodeArguments }: ServicePlan): Promise<LoggedProcess> {
  return startLogged({
    program: process.execPath,
    arguments: [youngGeneration, ...nodeArguments, builtApp(service)],
    directory: folder,
    name: `${service}-${replica}`,
    environment,
    workingDirectory: process.cwd(),
    // An interrupt of the terminal is for the one who started it all, who drains in order.
    detached: true,
  });
}

/** Whether `/readyz` says yes. */
async function answersReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(probeTimeoutMs) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
