/**
 * A model whose answers are given again where a call or a route asks for it.
 *
 * 1. Only what is meant to be the same each time is kept (see `whyNotCacheable`), under a key that holds everything it depends on.
 * 2. Of equal calls at the same time one is made in this process; the others wait for its answer.
 * 3. An answer that is given again is billed to nobody, says so, and has used no tokens.
 * 4. That somebody else gave up, or has no budget left, is no failure of those who waited for the same answer.
 */
import { type Cache } from '@millrace/cache';
import { type AnswerCache, finishReasonSchema, logprobsSchema } from '@millrace/contracts';
import { invalidInput, MillraceError } from '@millrace/kernel';
import { untilAborted } from '@millrace/resilience';
import { z } from 'zod';
import type { ChatAnswer, ChatListener, ChatModel, ChatRequest } from '../providers/chat-model.js';
import { cacheKeyOf, whyNotCacheable } from './cache-key.js';

export interface CachedModelOptions {
  readonly cache: Cache;
  /** What tells the model from all others, and from itself when it was configured otherwise. */
  readonly identity: string;
  /** For calls that say nothing themselves. */
  readonly byDefault: AnswerCache | undefined;
}

const storedSchema = z.object({
  text: z.string(),
  finishReason: finishReasonSchema.extract(['stop', 'length']),
  model: z.string(),
  logprobs: logprobsSchema.nullable().optional(),
});
type Stored = z.infer<typeof storedSchema>;

export class CachedModel implements ChatModel {
  readonly name: string;

  constructor(
    private readonly model: ChatModel,
    private readonly options: CachedModelOptions,
  ) {
    this.name = model.name;
  }

  /** @throws MillraceError `not_cacheable` where the call itself asks for what cannot be; as the model does */
  async chat(request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    const wanted = request.cache ?? this.options.byDefault;
    if (wanted === undefined || listener.account === undefined) return this.model.chat(request, listener);
    const refusal = whyNotCacheable(request);
    if (refusal !== null && request.cache !== undefined) throw notCacheable(refusal);
    if (refusal !== null) return this.model.chat(request, listener);
    const key = { tenantId: listener.account.tenantId, name: cacheKeyOf(this.options.identity, request, wanted) };
    return this.find(key, wanted, request, listener);
  }

  private async find(
    key: { readonly tenantId: string; readonly name: string },
    wanted: AnswerCache,
    request: ChatRequest,
    listener: ChatListener,
  ): Promise<ChatAnswer> {
    for (;;) {
      const call = new OwnCall(() => this.model.chat(request, listener));
      try {
        const loading = this.options.cache.getOrLoad(key, wanted.ttlSeconds * 1_000, () => call.make());
        const stored = storedSchema.safeParse(await untilAborted(loading, listener.signal));
        if (call.answer !== undefined) return call.answer;
        if (stored.success) return givenAgain(stored.data, wanted, listener);
        await this.options.cache.delete(key);
      } catch (error) {
        if (call.answer !== undefined) return call.answer;
        if (call.wasMade || listener.signal.aborted || !isNoFailureOfOurs(error)) throw error;
        if (error instanceof NotKept) return this.model.chat(request, listener);
      }
    }
  }
}

/** The call, where it falls to this caller to make it. */
class OwnCall {
  answer: ChatAnswer | undefined;
  wasMade = false;

  constructor(private readonly ask: () => Promise<ChatAnswer>) {}

  async make(): Promise<Stored> {
    this.wasMade = true;
    this.answer = await this.ask();
    const stored = storedSchema.safeParse(this.answer);
    if (!stored.success || this.answer.toolCalls.length > 0) throw new NotKept();
    return stored.data;
  }
}

function givenAgain(stored: Stored, { mode }: AnswerCache, listener: ChatListener): ChatAnswer {
  const { logprobs, ...answer } = stored;
  listener.onText(stored.text, logprobs ?? undefined);
  return {
    ...answer,
    ...(logprobs !== undefined && { logprobs }),
    toolCalls: [],
    usage: { promptTokens: 0, completionTokens: 0 },
    cached: mode,
  };
}

/** An answer that only its caller gets, e.g. because it is no whole one. */
class NotKept extends Error {}

const ofItsCaller: ReadonlySet<string> = new Set(['budget_exceeded', 'shutting_down']);

const isNoFailureOfOurs = (error: unknown): boolean =>
  error instanceof NotKept ||
  (error instanceof MillraceError && (error.kind === 'cancelled' || ofItsCaller.has(error.code)));

const notCacheable = (why: string): MillraceError =>
  invalidInput('not_cacheable', `The answer cannot be kept: the cache ${why}.`, [{ pointer: '/cache', message: why }]);
