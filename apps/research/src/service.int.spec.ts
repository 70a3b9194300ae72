import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  createCollection,
  envelopeOf,
  ingestDocument,
  resolveCitations,
  searchCollection,
  searchTask,
  taskIdOf,
  taskResult,
  type CommandContract,
  type MessageContext,
  type TaskOutcome,
} from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { createInProcessBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { deferred, testBackend } from '@millrace/testing';
import { researchService } from './index.js';

jest.setTimeout(60_000);

const context: MessageContext = { tenantId: 'acme', correlationId: 'cor_1', causationId: null };
const text = '# Ferries\n\nThe ferry to the island leaves at seven and needs forty minutes. 🙂 Bicycles travel free.';

describe('the research service on a bus', () => {
  const bus = createInProcessBus();
  let backend: Awaited<ReturnType<typeof testBackend>>;
  let service: RunningService;

  beforeAll(async () => {
    backend = await testBackend('pglite');
    const logger = createLogger({ levels: parseLogLevels('fatal') });
    service = await startService(researchService, { environment: {}, bus, backend, logger });
    await ask(createCollection, { name: 'island', description: '' });
  });
  afterAll(async () => {
    await service.drain({ graceMs: 5_000 });
    await bus.drain({ graceMs: 1_000 });
    await backend.close();
  });

  async function ask<Request, Response>(
    contract: CommandContract<Request, Response>,
    data: Request,
  ): Promise<Response> {
    const reply = await bus.request({ subject: contract.subject, envelope: envelopeOf(contract, context, data) });
    return contract.response.parse(reply);
  }
  const add = (source: string, content: Uint8Array | string) =>
    ask(ingestDocument, { collection: 'island', source, content: Buffer.from(content).toString('base64') });

  /** Sends a search task as the orchestrator does and gives what the worker answers. */
  async function outcomeOf(input: unknown): Promise<TaskOutcome> {
    const answered = deferred<TaskOutcome>();
    const replyTo = `result.${newId('test')}.v1`;
    const replies = await bus.respond(replyTo, { queue: 'test', maxInFlight: 1 }, ({ envelope }) => {
      answered.resolve(taskResult.request.parse(envelope.data).outcome);
      return Promise.resolve({ applied: true });
    });
    const runId = newId('run');
    const taskId = taskIdOf(runId, 'search', 1);
    const data = { taskId, runId, node: 'search', attempt: 1, input, stream: false, replyTo };
    await bus.publish({ subject: searchTask.subject, envelope: envelopeOf(searchTask, context, data, { id: taskId }) });
    const outcome = await answered.promise;
    await replies.stop();
    return outcome;
  }

  it('ingests, finds and resolves', async () => {
    const { document, outcome } = await add('guides/ferries.md', text);
    expect(outcome).toBe('created');
    expect(document).toMatchObject({
      title: 'Ferries',
      mediaType: 'text/markdown',
      characters: text.length,
      chunks: 1,
    });
    const { passages } = await ask(searchCollection, { collection: 'island', query: 'ferry', limit: 5 });
    const [passage] = passages;
    if (passage === undefined) throw new Error('nothing found');
    const quote = '🙂 Bicycles';
    const start = passage.start + passage.text.indexOf(quote);
    const { documentId, snapshotSha256, source } = passage;
    const citation = { marker: 1, documentId, snapshotSha256, source, quote, start, end: start + quote.length };
    const { resolutions } = await ask(resolveCitations, {
      citations: [citation, { ...citation, marker: 2, start: 0 }],
    });
    expect(resolutions.map(({ resolved }) => resolved)).toEqual([true, false]);
  });

  it('answers a search task with passages', async () => {
    await add('guides/ferries.md', text);
    const outcome = await outcomeOf({ collection: 'island', query: 'When does the ferry leave?' });
    expect(outcome).toMatchObject({ status: 'completed' });
    if (outcome.status !== 'completed') return;
    expect(searchTask.output.parse(outcome.output).passages[0]?.source).toBe('guides/ferries.md');
  });

  it.each([
    [{ collection: 'island', query: 'medieval falconry' }, 'no_evidence', 'not-found'],
    [{ collection: 'nowhere', query: 'ferry' }, 'collection_not_found', 'not-found'],
  ])('fails the search task %j for good with %s', async (input, code, kind) => {
    expect(await outcomeOf(input)).toMatchObject({ status: 'failed', error: { code, kind, retryable: false } });
  });

  it.each([
    ['half.pdf', '%PDF-1.7\n1 0 obj', 'unreadable_pdf'],
    ['tool.md', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0]), 'unsupported_content'],
    ['huge.txt', Buffer.alloc(21 * 1024 * 1024, 'a'), 'document_too_large'],
    ['blank.txt', '\n', 'empty_document'],
    ['sheet.xlsx', 'PK', 'unsupported_content'],
  ])('tells the caller by name what is wrong with %s', async (source, content, code) => {
    const attempt = add(source, content);
    await expect(attempt).rejects.toMatchObject({ code, retryable: false });
    await expect(attempt).rejects.toThrow(source);
  });
});
