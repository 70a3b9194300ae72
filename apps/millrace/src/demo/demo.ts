/** The main job, from a folder of documents to a cited and scored article, through the HTTP interface like any client. */
import type { MillraceClient } from '@millrace/client';
import type { Run } from '@millrace/contracts';
import { invalidInput, MillraceError, toMillraceError } from '@millrace/kernel';
import pc from 'picocolors';
import { type FolderListing, listDocuments } from '../documents/read-folder.js';
import { exitCodes } from '../exit-codes.js';
import { type IngestSummary, ingestFolder, rejectedLines } from '../ingest/ingest-folder.js';
import { followRun } from '../run/follow-run.js';
import { printable } from '../terminal/printable.js';
import { printJson } from '../terminal/print.js';
import { type Progress, progressOn } from '../terminal/progress.js';
import { hasColours, type Terminal, write } from '../terminal/terminal.js';
import { articlePath, requireSavable, saveArticle } from './article-file.js';
import { articleDocument, scoreTable } from './article-report.js';
import { collectionFor } from './collection-name.js';
import { type ArticleResult, articleOf, demoDocument } from './demo-document.js';
import { listenForInterruption } from './interruption.js';

export interface DemoOptions {
  readonly topic: string;
  readonly folder: string;
  readonly keyword: string | undefined;
  readonly saveTo: string | undefined;
  readonly json: boolean;
  /** A server that runs already; without one every service runs in this process. */
  readonly server: MillraceClient | undefined;
}

/** What came of the work, and how its file could not be saved if it could not. */
interface Outcome {
  readonly run: Run;
  readonly result: ArticleResult;
  readonly ingest: IngestSummary;
  readonly savedTo: string;
  readonly error: MillraceError | undefined;
}

/**
 * Writes the article and gives the exit code. Folder and file are looked at before any service starts.
 * @throws MillraceError `folder_not_found`, `no_documents`, `cannot_save`, `no_evidence`, `interrupted`, …
 */
export async function runDemo(options: DemoOptions, terminal: Terminal): Promise<number> {
  const listing = await listDocuments(options.folder);
  const savedTo = options.saveTo ?? articlePath(terminal.folder, options.topic);
  await requireSavable(savedTo);
  const progress = progressOn(terminal);
  using interruption = listenForInterruption();
  const { signal } = interruption;
  const collection = await collectionFor(listing);
  const work = { options, collection, progress, signal };
  return await onServer({ server: options.server, terminal, progress, signal }, async (client) => {
    const ingest = await readDocuments(client, listing, work);
    const run = await writeArticle(client, work);
    const result = articleOf(run);
    const error = await failureOf(saveArticle(savedTo, articleDocument(result.article, result.citations)));
    await show({ run, result, ingest, savedTo, error }, options, terminal);
    return error ? exitCodes.failed : exitCodes.ok;
  });
}

interface Work {
  readonly options: DemoOptions;
  readonly collection: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** On the server that was named, or on one in this process for the time of the work. */
async function onServer<Result>(
  place: { server: MillraceClient | undefined; terminal: Terminal; progress: Progress; signal: AbortSignal },
  work: (client: MillraceClient) => Promise<Result>,
): Promise<Result> {
  const { server, signal } = place;
  if (server === undefined) {
    // Loaded on need: with a server of its own it takes all services.
    const { withTemporaryHost } = await import('./temporary-host.js');
    return withTemporaryHost(place, work);
  }
  try {
    return await work(server);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

async function readDocuments(
  client: MillraceClient,
  listing: FolderListing,
  { options: { folder }, collection, progress, signal }: Work,
): Promise<IngestSummary> {
  const ingest = await progress.phase(`Reading ${folder}`, async (report, rename) => {
    const summary = await ingestFolder(client, { collection, listing, report, signal });
    rename(`Read ${summary.accepted.length} documents, left out ${summary.rejected.length}`);
    for (const line of rejectedLines(summary)) report(line);
    return summary;
  });
  if (ingest.accepted.length > 0) return ingest;
  const violations = ingest.rejected.map(({ source, message }) => ({ pointer: source, message }));
  throw invalidInput('no_usable_documents', `None of the files in ${folder} can be used.`, violations);
}

async function writeArticle(
  client: MillraceClient,
  { options: { topic, keyword }, collection, progress, signal }: Work,
): Promise<Run> {
  const input = { topic, collection, ...(keyword !== undefined && { keyword }) };
  const run = await progress.phase(`Writing about “${topic}”`, async (report) => {
    const { id } = await client.startRun({ graph: 'content', input }, { signal });
    return followRun(client, id, report, signal);
  });
  if (run.status === 'completed') return run;
  const { code, message } = run.error ?? { code: `run_${run.status}`, message: `The run ended as ${run.status}.` };
  throw new MillraceError('conflict', code, message);
}

const failureOf = (work: Promise<void>): Promise<MillraceError | undefined> =>
  work.then(() => undefined, toMillraceError);

async function show(outcome: Outcome, { json }: DemoOptions, terminal: Terminal): Promise<void> {
  const { run, result, ingest, savedTo, error } = outcome;
  if (json) await printJson(terminal, demoDocument(run, result, ingest.rejected, error));
  else {
    const colours = pc.createColors(hasColours(terminal.out, terminal));
    const remarks = [
      ...rejectedLines(ingest).map((line) => colours.yellow(line)),
      `Written by ${colours.bold(printable(result.model))}.`,
      ...(error ? [] : [`Saved to ${colours.bold(printable(savedTo))}.`]),
    ];
    const article = printable(articleDocument(result.article, result.citations));
    const table = scoreTable(result.scores, terminal.out.columns ?? 100);
    await write(terminal.out, `\n${article}\n${table}\n\n${remarks.join('\n')}\n`);
  }
  if (error) await write(terminal.error, `${printable(error.message)} (${error.code})\n`);
}
