import { CONFIG } from '@millrace/service';
import { Module } from '@nestjs/common';
import { ReadPageHandler } from './browser/read-page.handler.js';
import { ResolveCitationsHandler } from './citation/resolve-citations.handler.js';
import { CreateCollectionHandler } from './collection/create-collection.handler.js';
import { ListCollectionsHandler } from './collection/list-collections.handler.js';
import { ListDocumentsHandler } from './collection/list-documents.handler.js';
import type { ResearchConfig } from './config.js';
import { DocumentEvents } from './ingest/document-events.js';
import { DocumentPreparation } from './ingest/document-preparation.js';
import { IngestDocumentHandler } from './ingest/ingest-document.handler.js';
import { SearchCollectionHandler } from './search/search-collection.handler.js';
import { SearchTaskHandler } from './search/search-task.handler.js';

/** The heap of one preparing thread, in MiB: the largest document in every form that it passes through. */
const preparationHeapMb = 1024;

@Module({
  providers: [
    CreateCollectionHandler,
    DocumentEvents,
    IngestDocumentHandler,
    ListCollectionsHandler,
    ListDocumentsHandler,
    ReadPageHandler,
    ResolveCitationsHandler,
    SearchCollectionHandler,
    SearchTaskHandler,
    {
      provide: DocumentPreparation,
      inject: [CONFIG],
      useFactory: ({ ingestThreads, ingestTimeoutMs }: ResearchConfig) =>
        new DocumentPreparation({ threads: ingestThreads, timeoutMs: ingestTimeoutMs, heapMb: preparationHeapMb }),
    },
  ],
})
export class ResearchModule {}
