import type { ingestDocument, MessageContext, RequestOf, ResponseOf } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { sha256Hex } from '@millrace/kernel';
import { DATABASE, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { documentOf, findCollection } from '../collection/collection.store.js';
import type { ResearchTables } from '../schema/tables.js';
import type { DocumentBytes } from '../extraction/document-format.js';
import { DocumentEvents } from './document-events.js';
import { DocumentPreparation, largestDocument, tooLarge } from './document-preparation.js';
import { findDocument, isCurrent, storeDocument, type NewDocument, type StoredDocument } from './document.store.js';

type Request = RequestOf<typeof ingestDocument>;

/** A document as it came, and where it belongs. */
export interface GivenDocument extends DocumentBytes {
  readonly tenantId: string;
  readonly collection: string;
}

/** Ingests one document. The same command again finds its work done and changes nothing. */
@Injectable()
export class IngestDocumentHandler implements CommandHandler<typeof ingestDocument> {
  constructor(
    @Inject(DATABASE) private readonly database: Database<ResearchTables>,
    @Inject(DocumentPreparation) private readonly preparation: DocumentPreparation,
    @Inject(DocumentEvents) private readonly events: DocumentEvents,
  ) {}

  async handle(request: Request, { tenantId, context }: CommandMessage): Promise<ResponseOf<typeof ingestDocument>> {
    const { collection, source, mediaType, content } = request;
    // Refused by the length of its base64, before it takes its size in memory once more.
    const size = Math.floor((content.length * 3) / 4);
    if (size > largestDocument + 2) throw tooLarge(source, size);
    return this.ingest({ tenantId, collection, source, mediaType, bytes: Buffer.from(content, 'base64') }, context);
  }

  /** Ingests bytes, wherever they come from. @throws MillraceError `collection_not_found`, and as `DocumentPreparation` */
  async ingest(
    { tenantId, collection, source, mediaType, bytes }: GivenDocument,
    context: MessageContext,
  ): Promise<StoredDocument> {
    const contentSha256 = sha256Hex(bytes);
    const known = await this.findUnchanged(tenantId, { collection, source, contentSha256 });
    if (known !== undefined) return known;
    const prepared = await this.preparation.prepare({ source, mediaType, bytes });
    const snapshotSha256 = sha256Hex(prepared.text);
    return this.store({ tenantId, collection, source, contentSha256, snapshotSha256, prepared }, context);
  }

  private findUnchanged(
    tenantId: string,
    given: Pick<NewDocument, 'collection' | 'source' | 'contentSha256'>,
  ): Promise<StoredDocument | undefined> {
    return this.database.forTenant(tenantId, async (transaction) => {
      await findCollection(transaction, given.collection);
      const stored = await findDocument(transaction, given.collection, given.source);
      if (stored === undefined || !isCurrent(stored, given)) return undefined;
      return { document: documentOf(stored), outcome: 'unchanged' };
    });
  }

  private async store(document: NewDocument, context: MessageContext): Promise<StoredDocument> {
    const stored = await this.database.forTenant(document.tenantId, async (transaction) => {
      const result = await storeDocument(transaction, document);
      if (result.outcome !== 'unchanged') await this.events.record(transaction, result.document, context);
      return result;
    });
    this.events.wake();
    return stored;
  }
}
