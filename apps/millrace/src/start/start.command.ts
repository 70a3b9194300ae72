import { type Command, InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import type { Terminal } from '../terminal/terminal.js';

interface StartFlags {
  readonly port: number;
  readonly healthPort?: number | undefined;
  readonly data: string;
  readonly json?: boolean;
}

export function addStartCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  program
    .command('start')
    .description('Runs every service in this process until Ctrl-C, which drains it.')
    .option('--port <number>', 'port on 127.0.0.1, 0 for a free one', portOf, 8080)
    .option('--health-port <number>', 'also serve /healthz, /readyz and /metrics on this port of 127.0.0.1', portOf)
    .option('--data <folder>', 'where everything is kept', '.millrace')
    .option('--json', 'say where it listens, and the key of a first start, as one JSON document')
    .action(async ({ port, healthPort, data, json = false }: StartFlags) => {
      // Loaded on need: the commands that only talk to a server start without the services.
      const { runServer } = await import('./run-server.js');
      const dataDirectory = resolve(terminal.folder, data);
      setExitCode(await runServer({ port, healthPort, dataDirectory, json }, terminal));
    });
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}
