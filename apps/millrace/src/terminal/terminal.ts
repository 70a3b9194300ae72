import type { Writable } from 'node:stream';

/** Where a command writes: results to `out`, progress and remarks to `error`, so that results can be piped. */
export interface Terminal {
  readonly out: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly error: Writable & { readonly isTTY?: boolean };
  /** The folder against which relative paths of the command line are resolved. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The terminal of this process. npm runs scripts in the root of the package and tells where it was called in
 * INIT_CWD: paths that a person types are relative to that.
 */
export function processTerminal(): Terminal {
  const { INIT_CWD: calledIn, npm_package_json: manifest } = process.env;
  const throughNpm = calledIn !== undefined && manifest !== undefined && manifest.startsWith(process.cwd());
  return {
    out: process.stdout,
    error: process.stderr,
    folder: throughNpm ? calledIn : process.cwd(),
    environment: process.env,
  };
}

/** Whether a stream of the terminal is one that shows colours (https://no-color.org). */
export const hasColours = (stream: { readonly isTTY?: boolean }, { environment }: Terminal): boolean =>
  stream.isTTY === true && !environment['NO_COLOR'];

/** Resolves after the text is handed to the stream's owner, so that a large result is whole before the process ends. */
export function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
