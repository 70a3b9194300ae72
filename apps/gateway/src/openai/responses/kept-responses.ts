import type { OpenAiInputItem, OpenAiResponse, OpenAiResponsesRequest } from '@millrace/contracts';
import { invalidInput, MillraceError } from '@millrace/kernel';
import { LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { type ConversationItem, inputItems, isReference, storedInput, type StoredItem } from './response-items.js';
import { ResponseRetention } from './response-retention.js';
import { type FoundResponse, ResponseStore } from './response.store.js';

/** What is asked: the conversation before, and what is said now. */
export interface Question {
  readonly previous: FoundResponse | null;
  readonly before: readonly StoredItem[];
  readonly now: readonly ConversationItem[];
}

/** As much as one request may hold: what could not be sent at once is not gathered from what is kept. */
const longest = { responses: 1_000, items: 10_000, bytes: 20 * 1024 * 1024 };

/** The responses that are kept between requests: what a request continues, and what is left for the next one. */
@Injectable()
export class KeptResponses {
  constructor(
    @Inject(ResponseStore) private readonly store: ResponseStore,
    @Inject(ResponseRetention) private readonly retention: ResponseRetention,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws MillraceError `previous_response_not_found`, `conversation_too_long`, `item_not_found` */
  async question(tenantId: string, request: OpenAiResponsesRequest): Promise<Question> {
    const now = await this.resolved(tenantId, inputItems(request));
    const id = request.previous_response_id;
    if (id == null) return { previous: null, before: [], now };
    const previous = await this.store.find(tenantId, id);
    if (previous === null) throw noPrevious(`There is no response ${id}: it was not stored, or it is gone.`);
    const { length, items, bytes } = previous;
    if (length >= longest.responses || items + now.length > longest.items || bytes > longest.bytes) throw tooLong();
    const before = await this.store.conversation(tenantId, previous);
    if (before === null) throw noPrevious(`A response that ${id} continues was deleted.`);
    return { previous, before, now };
  }

  /** The response as its caller is to get it: it says whether it was kept. An answer is never lost because it could not be. */
  async keep(tenantId: string, { previous, now }: Question, response: OpenAiResponse): Promise<OpenAiResponse> {
    if (!response.store) return response;
    try {
      const bytes = await this.store.keep(tenantId, { response, input: storedInput(now), previous });
      this.retention.kept(tenantId, bytes);
      return response;
    } catch (error) {
      this.logger.warn({ err: error }, 'could not keep a response');
      return { ...response, store: false };
    }
  }

  /** Items with those that are named by their ids in their places. */
  private async resolved(tenantId: string, items: readonly OpenAiInputItem[]): Promise<readonly ConversationItem[]> {
    const ids = new Set(items.filter(isReference).map(({ id }) => id));
    const found = ids.size === 0 ? [] : await this.store.items(tenantId, [...ids]);
    const byId = new Map(found.map((item) => [item.id, item]));
    return items.map((item, index) => {
      if (!isReference(item)) return item;
      const named = byId.get(item.id);
      if (named === undefined) throw unknownItem(item.id, index);
      return named;
    });
  }
}

const noPrevious = (message: string): MillraceError =>
  invalidInput('previous_response_not_found', `${message} Send the earlier items as input.`, [
    { pointer: '/previous_response_id', message: 'cannot be continued' },
  ]);

const tooLong = (): MillraceError =>
  invalidInput(
    'conversation_too_long',
    `A conversation has at most ${longest.responses} responses, ${longest.items} items and ${longest.bytes} bytes. Begin a new one with what still matters.`,
    [{ pointer: '/previous_response_id', message: 'is at the end of a conversation that is too long' }],
  );

const unknownItem = (id: string, index: number): MillraceError =>
  new MillraceError('not-found', 'item_not_found', `There is no item ${id}: it was not stored, or it is gone.`, {
    violations: [{ pointer: `/input/${index}/id`, message: 'names no item' }],
  });
