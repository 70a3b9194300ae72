import type { listDocuments, RequestOf, ResponseOf } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { DATABASE, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { ResearchTables } from '../schema/tables.js';
import { findCollection, selectDocuments } from './collection.store.js';
import { keyAfter, pageOf } from './page.js';

@Injectable()
export class ListDocumentsHandler implements CommandHandler<typeof listDocuments> {
  constructor(@Inject(DATABASE) private readonly database: Database<ResearchTables>) {}

  async handle(
    { collection, limit, cursor }: RequestOf<typeof listDocuments>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listDocuments>> {
    const wanted = { after: keyAfter(cursor), count: limit + 1 };
    const found = await this.database.forTenant(tenantId, async (transaction) => {
      await findCollection(transaction, collection);
      return selectDocuments(transaction, collection, wanted);
    });
    return pageOf(found, limit, ({ source }) => source);
  }
}
