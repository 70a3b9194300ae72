/** `npm run bench -- NAME`: measures on request, prints medians; nothing here asserts. */
import { Command, InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchCluster } from './cluster/bench-cluster.js';
import { clusterTable } from './cluster/report.js';
import { benchDemo } from './demo/bench-demo.js';
import { demoTable } from './demo/report.js';
import { benchEngine } from './engine/bench-engine.js';
import { engineTable } from './engine/report.js';
import { benchLlm } from './llm/bench-llm.js';
import { llmTable } from './llm/report.js';
import { peerNames, type PeerName } from './engine/systems/peer.js';

interface EngineFlags {
  readonly json?: boolean;
  readonly against: readonly string[];
  readonly peers?: true | readonly PeerName[];
  readonly long?: boolean;
  readonly rounds: number;
  readonly runs: number;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

const program = new Command('bench').description('Measures Millrace on this machine.').showHelpAfterError();
program
  .command('demo')
  .description('Start, ingest, one content run and the six-step diamond: embedded, and over NATS and Postgres.')
  .option('--json', 'print the figures as one JSON document')
  .action(async (flags: { json?: boolean }) => {
    const figures = await benchDemo((text) => process.stderr.write(`${text}\n`));
    process.stdout.write(flags.json ? `${JSON.stringify(figures, null, 2)}\n` : `${demoTable(figures)}\n`);
  });
program
  .command('engine')
  .description('Durable runs over HTTP, NATS and Postgres: throughput, latency, processor time and write-ahead log.')
  .option('--json', 'print the figures as one JSON document')
  .option('--peers [names]', `peers to measure in turns with it: ${peerNames.join(', ')}; all by default`, peersOf)
  .option('--long', 'also a loop of a thousand rounds, and ten thousand runs that wait')
  .option(
    '--against <checkout>',
    'another built checkout to measure in turns with this one; may be given again',
    collect,
    [],
  )
  .option('--rounds <number>', 'how many rounds', Number, 5)
  .option('--runs <number>', 'runs of a round', Number, 1_000)
  .action(async (flags: EngineFlags) => {
    const checkouts = [fileURLToPath(new URL('../../..', import.meta.url)), ...flags.against].map((path) =>
      resolve(path),
    );
    const report = (text: string): void => void process.stderr.write(`${text}\n`);
    const peers = flags.peers === true ? peerNames : (flags.peers ?? []);
    const { rounds, runs: runsPerRound, long = false } = flags;
    const figures = await benchEngine({ checkouts, peers, long, rounds, runsPerRound, report });
    process.stdout.write(`${flags.json ? JSON.stringify(figures, null, 2) : engineTable(figures)}\n`);
  });
program
  .command('cluster')
  .description('The six-step diamond over processes, NATS and a Postgres with fsync, with several orchestrators.')
  .option('--orchestrators <list>', 'how many, one measurement each', countsOf, [1, 2, 3])
  .option('--json', 'print the figures as one JSON document')
  .action(async (flags: { orchestrators: readonly number[]; json?: boolean }) => {
    const figures = await benchCluster(flags.orchestrators, (text) => process.stderr.write(`${text}\n`));
    process.stdout.write(flags.json ? `${JSON.stringify(figures, null, 2)}\n` : `${clusterTable(figures)}\n`);
  });
program
  .command('llm')
  .description('Calls of a model through OpenAI’s endpoint, beside the same model asked directly.')
  .option('--json', 'print the figures as one JSON document')
  .option('--peers', "also Portkey's gateway, installed on request")
  .action(async ({ peers = false, ...flags }: { json?: boolean; peers?: boolean }) => {
    const figures = await benchLlm({ peers, report: (text) => process.stderr.write(`${text}\n`) });
    process.stdout.write(`${flags.json ? JSON.stringify(figures, null, 2) : llmTable(figures)}\n`);
  });
// Neither children nor signals keep a process alive.
const untilDone = setInterval(() => undefined, 60_000);
await program.parseAsync();
clearInterval(untilDone);

function countsOf(text: string): readonly number[] {
  const counts = text.split(',').map(Number);
  if (counts.every((count) => Number.isInteger(count) && count >= 1 && count <= 16)) return counts;
  throw new InvalidArgumentError('It must be numbers from 1 to 16, such as 1,2,3.');
}

function peersOf(text: string): readonly PeerName[] {
  const named = text.split(',');
  const known = peerNames.filter((name) => named.includes(name));
  if (known.length === named.length) return known;
  throw new InvalidArgumentError(`It must be some of ${peerNames.join(', ')}, with commas.`);
}
