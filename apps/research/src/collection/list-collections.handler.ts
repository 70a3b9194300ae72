import type { listCollections, RequestOf, ResponseOf } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { DATABASE, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { ResearchTables } from '../schema/tables.js';
import { selectCollections } from './collection.store.js';
import { keyAfter, pageOf } from './page.js';

@Injectable()
export class ListCollectionsHandler implements CommandHandler<typeof listCollections> {
  constructor(@Inject(DATABASE) private readonly database: Database<ResearchTables>) {}

  async handle(
    { limit, cursor }: RequestOf<typeof listCollections>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listCollections>> {
    const wanted = { after: keyAfter(cursor), count: limit + 1 };
    const found = await this.database.forTenant(tenantId, (transaction) => selectCollections(transaction, wanted));
    return pageOf(found, limit, ({ name }) => name);
  }
}
