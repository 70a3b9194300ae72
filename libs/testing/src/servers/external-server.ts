import { MillraceError } from '@millrace/kernel';
import type { ManagedServer } from '@millrace/servers';

/** The error for whoever wants to kill, restart or look into a server that an environment variable names. */
export function notOurServer(variable: string, what: string): MillraceError {
  return new MillraceError(
    'unsupported',
    'test_server_not_ours',
    `${variable} names the server, so a test cannot ${what}. Start it with { exclusive: true }.`,
  );
}

/** The address of a running server that a variable names. */
export function namedServer(variable: string): string | undefined {
  const url = process.env[variable];
  return url === '' ? undefined : url;
}

/** The way out for who cannot install a server, in the error that says so. */
export const insteadOf = (variable: string): string => `set ${variable} to the address of a running server`;

/** A server that the environment names, which tests must leave as it is. */
export function externalServer(variable: string, url: string, defaultPort: number): ManagedServer {
  const refuse = (what: string) => () => Promise.reject(notOurServer(variable, what));
  return {
    url,
    port: Number(new URL(url).port || defaultPort),
    pid: Number.NaN,
    logFile: '',
    // Nobody here would hear of it.
    exited: new Promise<never>(() => undefined),
    kill: refuse('kill it'),
    restart: refuse('restart it'),
    stop: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
