/** `millrace runs record` and `millrace runs replay`: a run in a file, and what comes of it again. */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { runRecordingSchema, jsonObjectSchema, violationsOf } from '@millrace/contracts';
import { invalidInput, MillraceError } from '@millrace/kernel';
import { replay, type Recording } from '@millrace/workflow';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

const recordingFileSchema = runRecordingSchema.extend({ events: z.array(jsonObjectSchema) });

export function addRecordingCommands(runs: Command, terminal: Terminal): void {
  withConnection(runs.command('record'))
    .description('Writes a run to a file: its graph, its events, and the hash of its state.')
    .argument('<run>', 'the id of the run')
    .requiredOption('--out <file>', 'where to write it')
    .option('--json', 'print what was written, without the events, as JSON')
    .action(
      async (
        id: string,
        { out, json, ...flags }: ConnectionFlags & { readonly out: string; readonly json?: boolean },
      ) => {
        const recording = await connect(flags, terminal).recordRun(id);
        await writeFile(resolve(terminal.folder, out), `${JSON.stringify(recording)}\n`);
        const { position, stateHash } = recording;
        if (json) return printJson(terminal, { file: out, position, stateHash });
        return write(terminal.out, `${out} holds ${position} events of ${id}; their state is ${stateHash}.\n`);
      },
    );

  runs
    .command('replay')
    .description('Replays a run from a file, without a server, and compares the state that it comes to.')
    .argument('<file>', 'a file that `runs record` wrote')
    .option('--json', 'print what came of it as JSON')
    .action(async (file: string, { json }: { readonly json?: boolean }) => {
      const recording = await readRecording(resolve(terminal.folder, file));
      const { same, stateHash, view } = replay(recording);
      if (!same) {
        const message = `The events lead to the state ${stateHash}, and ${recording.stateHash} was recorded.`;
        throw new MillraceError('mismatch', 'replay_mismatch', message);
      }
      const { status, output, steps } = view;
      if (json) return printJson(terminal, { same, stateHash, status, output, steps });
      return write(terminal.out, `The same state as recorded, ${stateHash}: the run is ${status}.\n`);
    });
}

/** @throws MillraceError `unreadable_file`, `invalid_recording` */
async function readRecording(path: string): Promise<Recording> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw invalidInput('unreadable_file', `${path} cannot be read (${reason}).`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidInput('invalid_recording', `${path} holds no JSON.`);
  }
  const parsed = recordingFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidInput('invalid_recording', `${path} is no recording of a run.`, violationsOf(parsed.error));
}
