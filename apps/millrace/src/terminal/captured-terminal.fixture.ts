/** A terminal that keeps what is written to it. */
import { Writable } from 'node:stream';
import { runCommandLine } from '../command-line.js';
import type { Terminal } from './terminal.js';

class Kept extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface Shown {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs the command line in this process, in a folder and with only these variables. */
export async function type(
  words: readonly string[],
  place: { readonly folder: string; readonly environment?: Terminal['environment'] },
): Promise<Shown> {
  const [out, error] = [new Kept(), new Kept()];
  const code = await runCommandLine(words, { out, error, environment: {}, ...place });
  return { code, out: out.text, error: error.text };
}
