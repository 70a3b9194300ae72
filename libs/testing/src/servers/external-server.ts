import { MillraceError } from '@millrace/kernel';

/** The error for whoever wants to kill, restart or look into a server that an environment variable names. */
export function notOurServer(variable: string, what: string): MillraceError {
  return new MillraceError(
    'unsupported',
    'test_server_not_ours',
    `${variable} names the server, so a test cannot ${what}. Start it with { exclusive: true }.`,
  );
}
