import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { MillraceError } from '@millrace/kernel';
import { createStream } from 'rotating-file-stream';
import type { LogDestination } from './logger.js';

export interface LogFileOptions {
  /** The file that is written to; older ones stand beside it as `<path>.1`, `<path>.2` and so on, the newest first. */
  readonly path: string;
  /** A file that has so many bytes is set aside, and the next one begins. */
  readonly maxBytes: number;
  /** Files that were set aside and are kept. */
  readonly keptFiles: number;
  /** Whether those are compressed, as `<path>.1.gz`. */
  readonly compress: boolean;
}

export interface LogFile extends LogDestination {
  /** Writes what is still in memory and ends the file. Lines that come later are lost. */
  close(): Promise<void>;
}

/**
 * A file for a process's logs, set aside when it is full. What goes wrong later (a full disk) is said on standard error, and the
 * process goes on.
 * @throws MillraceError `invalid_configuration` when nothing can be written there
 */
export async function openLogFile({ path, maxBytes, keptFiles, compress }: LogFileOptions): Promise<LogFile> {
  const folder = dirname(path);
  try {
    await mkdir(folder, { recursive: true });
    const stream = createStream(basename(path), {
      path: folder,
      size: `${maxBytes}B`,
      rotate: keptFiles,
      mode: 0o640,
      ...(compress && { compress: 'gzip' as const }),
    });
    await once(stream, 'open');
    const complain = (error: unknown): void =>
      void process.stderr.write(`The log file ${path} has trouble: ${String(error)}\n`);
    stream.on('error', complain).on('warning', complain);
    return {
      write: (line: string) => void stream.write(line),
      close: async () => {
        if (stream.destroyed || stream.writableFinished) return;
        const finished = once(stream, 'finish');
        stream.end();
        await finished;
      },
    };
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    const text = `MILLRACE_LOG_FILE: nothing can be written to ${path} (${code}); for example /var/log/millrace/gateway.log`;
    throw new MillraceError('invalid', 'invalid_configuration', text, { cause });
  }
}
