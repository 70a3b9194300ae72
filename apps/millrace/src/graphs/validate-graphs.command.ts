import type { Violation } from '@millrace/kernel';
import { readGraph } from '@millrace/workflow';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { exitCodes } from '../exit-codes.js';
import { printJson } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { readGraphSource } from './read-graph-file.js';

interface ValidateFlags extends ConnectionFlags {
  readonly json?: boolean;
  readonly server?: boolean;
}

interface Verdict {
  readonly file: string;
  readonly valid: boolean;
  readonly violations: readonly Violation[];
}

export function addValidateCommand(graphs: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  withConnection(graphs.command('validate'))
    .description('Says what is wrong with graph documents; needs no server.')
    .argument('<files...>', 'graph documents, YAML or JSON')
    .option('--server', 'have a server look, which knows the graphs that subgraphs name')
    .option('--json', 'print {valid, files: [{file, valid, violations}]} as JSON')
    .action(async (files: string[], flags: ValidateFlags) => {
      const verdicts: Verdict[] = [];
      for (const file of files) verdicts.push(verdictOn(file, await violationsIn(file, flags, terminal)));
      const valid = verdicts.every((verdict) => verdict.valid);
      if (flags.json) await printJson(terminal, { valid, files: verdicts });
      else for (const verdict of verdicts) await print(terminal, verdict, files.length > 1);
      if (!valid) setExitCode(exitCodes.failed);
    });
}

const verdictOn = (file: string, violations: readonly Violation[]): Verdict => ({
  ...{ file, valid: violations.length === 0, violations },
});

async function violationsIn(file: string, flags: ValidateFlags, terminal: Terminal): Promise<readonly Violation[]> {
  const source = await readGraphSource(resolve(terminal.folder, file));
  if (flags.server) return (await connect(flags, terminal).validateGraph(source)).violations;
  const read = readGraph(source.text);
  return 'violations' in read ? read.violations : [];
}

async function print(terminal: Terminal, { file, valid, violations }: Verdict, named: boolean): Promise<void> {
  if (valid) return write(terminal.out, `${file} is valid.\n`);
  const place = named ? `${file} ` : '';
  const lines = violations.map(({ pointer, message }) => `${place}${pointer || '/'}: ${message}\n`);
  return write(terminal.error, lines.join(''));
}
