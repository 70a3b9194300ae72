import type { InputOf, OutputOf, searchTask } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { notFound } from '@millrace/kernel';
import { DATABASE, type TaskHandler } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { ResearchTables } from '../schema/tables.js';
import { isEvidence } from './evidence.js';
import { findPassages } from './find-passages.js';

/** Finds what a run writes from. No evidence is an answer: it fails for good rather than let something be invented. */
@Injectable()
export class SearchTaskHandler implements TaskHandler<typeof searchTask> {
  constructor(@Inject(DATABASE) private readonly database: Database<ResearchTables>) {}

  /** @throws MillraceError `no_evidence` where the collection says nothing about the query, `collection_not_found` */
  async handle(
    input: InputOf<typeof searchTask>,
    { tenantId }: Task,
  ): Promise<TaskResultOf<OutputOf<typeof searchTask>>> {
    const { query, collection, allowEmpty } = input;
    const found = await this.database.forTenant(tenantId, (transaction) => findPassages(transaction, input), {
      readOnly: true,
    });
    if (isEvidence(found)) return { output: { query, ...found } };
    if (allowEmpty) return { output: { query, passages: [], coverage: found.coverage } };
    throw notFound('no_evidence', `The documents of "${collection}" say nothing about "${query}".`);
  }
}
