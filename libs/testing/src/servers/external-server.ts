import { MillraceError } from '@millrace/kernel';

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
