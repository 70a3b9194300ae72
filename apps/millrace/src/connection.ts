/** How the commands that talk to a running server find it. */
import { MillraceClient } from '@millrace/client';
import { MillraceError } from '@millrace/kernel';
import type { Command } from 'commander';
import type { Terminal } from './terminal/terminal.js';

export interface ConnectionFlags {
  readonly url?: string;
  readonly apiKey?: string;
}

const defaultUrl = 'http://127.0.0.1:8080';

/** Adds `--url` and `--api-key` to a command. */
export const withConnection = (command: Command): Command =>
  command
    .option('--url <address>', `address of the server (default: MILLRACE_URL, else ${defaultUrl})`)
    .option('--api-key <key>', 'API key (default: MILLRACE_API_KEY)');

/** @throws MillraceError `api_key_missing`, `invalid_url` */
export function connect(flags: ConnectionFlags, terminal: Terminal): MillraceClient {
  const baseUrl = flags.url ?? terminal.environment['MILLRACE_URL'] ?? defaultUrl;
  const apiKey = flags.apiKey ?? terminal.environment['MILLRACE_API_KEY'];
  if (!URL.canParse(baseUrl))
    throw new MillraceError('invalid', 'invalid_url', `${baseUrl} is no address of a server.`);
  if (!apiKey) {
    throw new MillraceError(
      'unauthenticated',
      'api_key_missing',
      'An API key is needed: set MILLRACE_API_KEY or give --api-key. `millrace start` prints one on its first start.',
    );
  }
  return new MillraceClient({ baseUrl, apiKey });
}
