import type { createCollection, RequestOf, ResponseOf } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { DATABASE, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { ResearchTables } from '../schema/tables.js';
import { insertCollection } from './collection.store.js';

@Injectable()
export class CreateCollectionHandler implements CommandHandler<typeof createCollection> {
  constructor(@Inject(DATABASE) private readonly database: Database<ResearchTables>) {}

  handle(
    { name, description }: RequestOf<typeof createCollection>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof createCollection>> {
    return this.database.forTenant(tenantId, (transaction) =>
      insertCollection(transaction, tenantId, name, description),
    );
  }
}
