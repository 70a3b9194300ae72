import { nameSchema, type listGraphs, type RequestOf, type ResponseOf } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class ListGraphsHandler implements CommandHandler<typeof listGraphs> {
  constructor(private readonly orchestrator: Orchestrator) {}

  /** @throws MillraceError `invalid_cursor` */
  async handle(
    { limit, cursor }: RequestOf<typeof listGraphs>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listGraphs>> {
    const found = await this.orchestrator.graphs.list(tenantId, afterName(cursor), limit + 1);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, cursor: found.length > limit && last !== undefined ? last.name : null };
  }
}

/** The cursor is the name of the last graph of the page before. */
function afterName(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  if (nameSchema.safeParse(cursor).success) return cursor;
  throw invalidInput('invalid_cursor', 'The cursor is not one that a page gave; begin without a cursor.', [
    { pointer: '/cursor', message: 'is not a cursor of this list' },
  ]);
}
