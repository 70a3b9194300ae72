import {
  browserTask,
  createCollection,
  ingestDocument,
  listCollections,
  listDocuments,
  resolveCitations,
  searchCollection,
  searchTask,
} from '@millrace/contracts';
import { defineSubscriptions } from '@millrace/service';
import { ReadPageHandler } from './browser/read-page.handler.js';
import { ResolveCitationsHandler } from './citation/resolve-citations.handler.js';
import { CreateCollectionHandler } from './collection/create-collection.handler.js';
import { ListCollectionsHandler } from './collection/list-collections.handler.js';
import { ListDocumentsHandler } from './collection/list-documents.handler.js';
import type { ResearchConfig } from './config.js';
import { IngestDocumentHandler } from './ingest/ingest-document.handler.js';
import { SearchCollectionHandler } from './search/search-collection.handler.js';
import { SearchTaskHandler } from './search/search-task.handler.js';

/** The whole inbox of the research service. */
export const subscriptions = defineSubscriptions([
  { contract: createCollection, handler: CreateCollectionHandler },
  { contract: listCollections, handler: ListCollectionsHandler },
  { contract: ingestDocument, handler: IngestDocumentHandler },
  { contract: listDocuments, handler: ListDocumentsHandler },
  { contract: searchCollection, handler: SearchCollectionHandler },
  { contract: resolveCitations, handler: ResolveCitationsHandler },
  { contract: browserTask, handler: ReadPageHandler, slots: (config: ResearchConfig) => config.browserSlots },
  { contract: searchTask, handler: SearchTaskHandler, slots: (config: ResearchConfig) => config.searchSlots },
]);
