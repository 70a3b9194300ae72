/** Every service in this process for the time of one piece of work, in a folder that goes afterwards. */
import { MillraceClient } from '@millrace/client';
import { toMillraceError } from '@millrace/kernel';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHost } from '../host/host.js';
import type { Progress } from '../terminal/progress.js';
import { type Terminal, write } from '../terminal/terminal.js';

/** Who was interrupted does not wait for what nobody will read. */
const interruptedGraceMs = 1_000;

/**
 * Starts the services, gives `work` a client of theirs, and ends them. When `signal` aborts, the work's error is its reason.
 * @throws MillraceError as `startHost`, and whatever `work` throws
 */
export async function withTemporaryHost<Result>(
  options: { readonly terminal: Terminal; readonly progress: Progress; readonly signal: AbortSignal },
  work: (client: MillraceClient) => Promise<Result>,
): Promise<Result> {
  const { terminal, progress, signal } = options;
  const { environment, error: log } = terminal;
  const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-demo-'));
  try {
    const host = await progress.phase('Starting every service in this process', () =>
      startHost({ dataDirectory, port: 0, environment, log, quiet: true, signal }),
    );
    try {
      return await work(new MillraceClient({ baseUrl: host.url, apiKey: await host.createKey('demo') }));
    } finally {
      await orRemark(host.drain(signal.aborted ? { graceMs: interruptedGraceMs } : undefined), terminal);
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    await orRemark(rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 }), terminal);
  }
}

/** What fails while tidying up must not hide what came of the work. */
async function orRemark(tidying: Promise<void>, terminal: Terminal): Promise<void> {
  await tidying.catch((thrown: unknown) => {
    const { cause, message } = toMillraceError(thrown);
    return write(terminal.error, `While ending: ${cause instanceof Error ? cause.message : message}\n`);
  });
}
