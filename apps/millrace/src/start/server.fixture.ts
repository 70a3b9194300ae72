/** `millrace start` in a process of its own, and a client of it. */
import { MillraceClient } from '@millrace/client';
import { eventually } from '@millrace/testing';
import type { Invocation, Workbench } from '../command-line.fixture.js';

export class TestServer {
  private constructor(
    readonly process: Invocation,
    readonly url: string,
    /** What was printed on the first start, else what was given. */
    readonly apiKey: string,
  ) {}

  /** Starts on a free port with the data of the workbench, and waits until it listens. */
  static async start(workbench: Workbench, knownKey?: string): Promise<TestServer> {
    const process = workbench.millrace(['start', '--port', '0', '--data', 'data'], { MILLRACE_LOG_LEVEL: 'warn' });
    let hasEnded = false;
    void process.ended.then(() => (hasEnded = true));
    const { standard } = await eventually(
      () => (hasEnded || /data in .*\n(API key.*\n)?$/.test(process.output.standard)) && process.output,
      { timeoutMs: 60_000, describe: 'the server listens' },
    );
    const url = /listens on (\S+), data in/.exec(standard)?.[1];
    if (url === undefined) throw new Error(`The server ended: ${process.output.error}`);
    return new TestServer(process, url, keyIn(standard) ?? knownKey ?? '');
  }

  get client(): MillraceClient {
    return new MillraceClient({ baseUrl: this.url, apiKey: this.apiKey });
  }
}

/** The key that a start printed. */
export const keyIn = (output: string): string | undefined => /API key, shown only now: (\S+)\n/.exec(output)?.[1];
