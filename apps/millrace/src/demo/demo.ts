/** The main job, from a folder of documents to a cited and scored article, through the HTTP interface like any client. */
import type { Run } from '@millrace/contracts';
import { MillraceClient } from '@millrace/client';
import { invalidInput, MillraceError } from '@millrace/kernel';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pc from 'picocolors';
import { type IngestSummary, ingestFolder, rejectedLines } from '../ingest/ingest-folder.js';
import { exitCodes } from '../exit-codes.js';
import { type Host, startHost } from '../host/host.js';
import { followRun } from '../run/follow-run.js';
import { type Progress, progressOn } from '../terminal/progress.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { articleDocument, scoreTable } from './article-report.js';
import { type ArticleResult, articleOf, demoDocument } from './demo-document.js';
import { articlePath } from './article-path.js';

export interface DemoOptions {
  readonly topic: string;
  readonly folder: string;
  readonly keyword: string | undefined;
  readonly saveTo: string | undefined;
  readonly json: boolean;
}

const collection = 'demo';

/**
 * Writes the article and gives the exit code.
 * @throws MillraceError `folder_not_found`, `no_documents`, `no_evidence`, `run_failed`, …
 */
export async function runDemo(options: DemoOptions, terminal: Terminal): Promise<number> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-demo-'));
  const progress = progressOn(terminal);
  let host: Host | undefined;
  const interrupt = interruption();
  try {
    const started = await progress.phase('Starting every service in this process', () =>
      startHost({ dataDirectory, port: 0, environment: terminal.environment, log: terminal.error, quiet: true }),
    );
    host = started;
    const client = new MillraceClient({ baseUrl: started.url, apiKey: await started.createKey('demo') });
    const { run, ingest } = await interrupt.race(writeArticle(client, options, progress));
    const result = articleOf(run);
    const savedTo = await save(options, result, terminal);
    await show(options, run, result, ingest, savedTo, terminal);
    return exitCodes.ok;
  } finally {
    interrupt.dispose();
    try {
      await host?.drain();
    } finally {
      await rm(dataDirectory, { recursive: true, force: true });
    }
  }
}

async function writeArticle(
  client: MillraceClient,
  options: DemoOptions,
  progress: Progress,
): Promise<{ run: Run; ingest: IngestSummary }> {
  const ingest = await progress.phase(`Reading ${options.folder}`, async (report, rename) => {
    const summary = await ingestFolder(client, { collection, folder: options.folder, report });
    rename(`Read ${summary.accepted.length} documents, left out ${summary.rejected.length}`);
    for (const line of rejectedLines(summary)) report(line);
    return summary;
  });
  if (ingest.accepted.length === 0) {
    throw invalidInput(
      'no_usable_documents',
      `None of the files in ${options.folder} can be used.`,
      violationsOf(ingest),
    );
  }
  const input = { topic: options.topic, collection, ...(options.keyword && { keyword: options.keyword }) };
  const run = await progress.phase(`Writing about “${options.topic}”`, async (report) => {
    const { id } = await client.startRun({ graph: 'content', input });
    return followRun(client, id, report);
  });
  if (run.status !== 'completed') throw failureOf(run);
  return { run, ingest };
}

const violationsOf = ({ rejected }: IngestSummary) =>
  rejected.map(({ source, message }) => ({ pointer: source, message }));

function failureOf({ error, status }: Run): MillraceError {
  const code = error?.code ?? `run_${status}`;
  return new MillraceError('internal', code, error?.message ?? `The run ended as ${status}.`);
}

async function save(options: DemoOptions, result: ArticleResult, terminal: Terminal): Promise<string> {
  const path = options.saveTo ?? articlePath(terminal.folder, options.topic);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, articleDocument(result.article, result.citations));
  } catch (cause) {
    throw new MillraceError('invalid', 'cannot_save', `The article cannot be saved to ${path}.`, { cause });
  }
  return path;
}

async function show(
  options: DemoOptions,
  run: Run,
  result: ArticleResult,
  ingest: IngestSummary,
  savedTo: string,
  terminal: Terminal,
): Promise<void> {
  if (options.json) {
    const document = demoDocument(run, result, ingest.rejected);
    return write(terminal.out, `${JSON.stringify(document, null, 2)}\n`);
  }
  const colours = pc.createColors(terminal.out.isTTY === true && terminal.environment['NO_COLOR'] === undefined);
  const remarks = [
    ...rejectedLines(ingest).map((line) => colours.yellow(line)),
    `Written by ${colours.bold(result.model)}.`,
    `Saved to ${colours.bold(savedTo)}.`,
  ];
  const table = scoreTable(result.scores, terminal.out.columns ?? 100);
  await write(
    terminal.out,
    `\n${articleDocument(result.article, result.citations)}\n${table}\n\n${remarks.join('\n')}\n`,
  );
}

/** Ctrl-C ends the work between two steps, so that the services drain and the temporary folder goes. */
function interruption() {
  let interrupted: (error: MillraceError) => void = () => undefined;
  const signalled = new Promise<never>((_, reject) => (interrupted = reject));
  signalled.catch(() => undefined);
  const onSignal = () => interrupted(new MillraceError('cancelled', 'interrupted', 'Interrupted.'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  return {
    race: <Result>(work: Promise<Result>) => Promise.race([work, signalled]),
    dispose: () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}
