import type { Citation, RequestOf, resolveCitations, ResponseOf } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { DATABASE, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { ResearchTables } from '../schema/tables.js';
import { checkCitations, type Resolution } from './check-citations.js';
import { findSnapshot } from './snapshot.store.js';

/** Answers whether each citation is true, in the order in which they were given. */
@Injectable()
export class ResolveCitationsHandler implements CommandHandler<typeof resolveCitations> {
  constructor(@Inject(DATABASE) private readonly database: Database<ResearchTables>) {}

  async handle(
    { citations }: RequestOf<typeof resolveCitations>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof resolveCitations>> {
    const resolutions = new Map<Citation, Resolution>();
    await this.database.forTenant(tenantId, async (transaction) => {
      // Snapshot by snapshot, because each may be large.
      for (const group of Map.groupBy(citations, snapshotKey).values()) {
        const [first] = group;
        const snapshot = first && (await findSnapshot(transaction, first.documentId, first.snapshotSha256));
        checkCitations(group, snapshot).forEach((resolution, index) => {
          const citation = group[index];
          if (citation !== undefined) resolutions.set(citation, resolution);
        });
      }
    });
    return { resolutions: citations.flatMap((citation) => resolutions.get(citation) ?? []) };
  }
}

const snapshotKey = ({ documentId, snapshotSha256 }: Citation): string => `${snapshotSha256} ${documentId}`;
