/** `npm run bench -- NAME`: measures on request, prints medians; nothing here asserts. */
import { Command } from 'commander';
import { benchDemo } from './demo/bench-demo.js';
import { demoTable } from './demo/report.js';

const program = new Command('bench').description('Measures Millrace on this machine.').showHelpAfterError();
program
  .command('demo')
  .description('Start, ingest, one content run and the six-step diamond: embedded, and over NATS and Postgres.')
  .option('--json', 'print the figures as one JSON document')
  .action(async (flags: { json?: boolean }) => {
    const figures = await benchDemo((text) => process.stderr.write(`${text}\n`));
    process.stdout.write(flags.json ? `${JSON.stringify(figures, null, 2)}\n` : `${demoTable(figures)}\n`);
  });
await program.parseAsync();
