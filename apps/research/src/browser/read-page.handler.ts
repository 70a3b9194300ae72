import type { browserTask, InputOf, OutputOf } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { MillraceError } from '@millrace/kernel';
import { fetchWeb, unexpectedStatus, WebGuard, type WebResponse } from '@millrace/resilience';
import { CONFIG, DATABASE, type TaskHandler } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { ResearchConfig } from '../config.js';
import { IngestDocumentHandler } from '../ingest/ingest-document.handler.js';
import type { ResearchTables } from '../schema/tables.js';
import { passagesOfDocument } from '../search/passage.store.js';

/** How long a page may take where the node sets no deadline. */
const longestMs = 60_000;
const readable = 'text/html,application/xhtml+xml,text/markdown,text/plain;q=0.9,application/pdf;q=0.8';

/** Fetches a page as a browser without scripts would, and makes it a document like any that was uploaded. */
@Injectable()
export class ReadPageHandler implements TaskHandler<typeof browserTask> {
  private readonly guard: WebGuard;

  constructor(
    @Inject(CONFIG) { allowedHosts }: ResearchConfig,
    @Inject(DATABASE) private readonly database: Database<ResearchTables>,
    @Inject(IngestDocumentHandler) private readonly ingestion: IngestDocumentHandler,
  ) {
    this.guard = new WebGuard({ allow: allowedHosts });
  }

  /** @throws MillraceError `http_<status>`, `http_timeout`, as `fetchWeb`, and as `IngestDocumentHandler.ingest` */
  async handle(input: InputOf<typeof browserTask>, task: Task): Promise<TaskResultOf<OutputOf<typeof browserTask>>> {
    const { tenantId, correlationId, messageId } = task;
    const { collection, maxPassages } = input;
    const page = await this.fetch(input, task.signal);
    const source = withoutFragment(page.url);
    const { 'content-type': mediaType } = page.headers;
    const context = { tenantId, correlationId, causationId: messageId };
    const given = { tenantId, collection, source, mediaType, bytes: page.body };
    const { document, outcome } = await this.ingestion.ingest(given, context);
    const passages = await this.database.forTenant(
      tenantId,
      (transaction) => passagesOfDocument(transaction, document.id, maxPassages),
      { readOnly: true },
    );
    const { title, characters, chunks, snapshotSha256, id: documentId } = document;
    const read = { url: source, title, mediaType: document.mediaType, documentId, snapshotSha256, characters };
    return { output: { ...read, passages, truncated: chunks > passages.length, outcome } };
  }

  private async fetch(
    { url, maxBytes, redirects }: InputOf<typeof browserTask>,
    outer: AbortSignal,
  ): Promise<WebResponse> {
    const late = new MillraceError('timeout', 'http_timeout', `The page took longer than ${longestMs / 1000} s.`);
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(late), longestMs);
    const signal = AbortSignal.any([outer, timeout.signal]);
    try {
      const headers = { accept: readable };
      const response = await fetchWeb(this.guard, { method: 'GET', url, headers, maxBytes, redirects, signal });
      if (response.status < 200 || response.status > 299) throw unexpectedStatus(response, new Date());
      return response;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Fragments name places of the same page. */
function withoutFragment(text: string): string {
  const url = new URL(text);
  url.hash = '';
  return url.href;
}
