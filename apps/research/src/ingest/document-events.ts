import {
  cloudEventHeaders,
  documentIngestedEvent,
  envelopeOf,
  eventSubject,
  type Document,
  type MessageContext,
} from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { OutboxRelay, writeOutbox, type MessageBus } from '@millrace/messaging';
import { BUS, DATABASE, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Transaction } from 'kysely';
import type { ResearchTables } from '../schema/tables.js';

/** Says that documents were ingested: written with the document in one transaction, published after its commit. */
@Injectable()
export class DocumentEvents implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly relay: OutboxRelay<ResearchTables>;

  constructor(
    @Inject(DATABASE) database: Database<ResearchTables>,
    @Inject(BUS) bus: MessageBus,
    @Inject(LOGGER) logger: Logger,
  ) {
    const onProblem = ({ code, message, cause }: { code: string; message: string; cause?: unknown }): void =>
      logger.warn({ code, err: cause }, message);
    this.relay = new OutboxRelay({ database, bus, onProblem });
  }

  onApplicationBootstrap(): void {
    this.relay.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.relay.stop();
  }

  async record(transaction: Transaction<ResearchTables>, document: Document, context: MessageContext): Promise<void> {
    const { id: documentId, collection, source, snapshotSha256 } = document;
    const envelope = envelopeOf(documentIngestedEvent, context, { documentId, collection, source, snapshotSha256 });
    const subject = eventSubject(documentIngestedEvent, context.tenantId);
    const headers = cloudEventHeaders(documentIngestedEvent, envelope);
    await writeOutbox(transaction, [{ subject, envelope, headers }]);
  }

  /** To be called after the commit, so that nobody waits for the relay's next look. */
  wake(): void {
    this.relay.wake();
  }
}
