import type { RequestOf, ResponseOf, searchCollection } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { DATABASE, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { ResearchTables } from '../schema/tables.js';
import { findPassages } from './find-passages.js';

/** Answers with the best passages whatever they are worth; `coverage` says how much that is. */
@Injectable()
export class SearchCollectionHandler implements CommandHandler<typeof searchCollection> {
  constructor(@Inject(DATABASE) private readonly database: Database<ResearchTables>) {}

  handle(
    request: RequestOf<typeof searchCollection>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof searchCollection>> {
    return this.database.forTenant(tenantId, (transaction) => findPassages(transaction, request), { readOnly: true });
  }
}
