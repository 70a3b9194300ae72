import { routes } from '@millrace/contracts';
import { newId, systemClock, toMillraceError } from '@millrace/kernel';
import { LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../endpoint/endpoint.js';
import { answered, type RouteReply, type RouteRequest, type Serves } from '../endpoint/exchange.js';
import { OpenStreams } from '../stream/open-streams.js';
import { type Answer, AnswerCaller, BrokenOff } from './answer-caller.js';
import {
  type AnswerHead,
  completionOf,
  deltaChunk,
  finishChunk,
  textChunk,
  toolCallsChunk,
  usageChunk,
  usageOf,
} from './chat-shapes.js';
import type { OnText } from './chat-caller.js';
import { ChunkStream } from './chunk-stream.js';
import { openAiErrorOf } from './openai-error.js';

type ChatCompletions = typeof routes.openAiChatCompletions;
type Request = RouteRequest<ChatCompletions>;

@Endpoint(routes.openAiChatCompletions)
export class ChatCompletionsEndpoint implements Serves<ChatCompletions> {
  constructor(
    @Inject(AnswerCaller) private readonly caller: AnswerCaller,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async handle(request: Request): Promise<RouteReply<ChatCompletions> | typeof answered> {
    const head = {
      id: newId('chatcmpl'),
      created: Math.floor(systemClock.now().getTime() / 1_000),
      model: request.body.model,
    };
    if (request.body.stream !== true) return { status: 200, body: await this.complete(request, head) };
    return await this.streams.run(request, (signal) => this.stream(request, head, signal));
  }

  /** All answers whole; the first failure ends the others. */
  private async complete(request: Request, head: AnswerHead) {
    const answers = await this.callEach(request, request.signal, () => undefined);
    return completionOf({ ...head, model: answers[0]?.model ?? head.model }, answers);
  }

  private async stream(request: Request, head: AnswerHead, signal: AbortSignal): Promise<typeof answered> {
    const stream = new ChunkStream(request);
    const begun = new Set<number>();
    const begin = (index: number): void => {
      if (!begun.has(index)) stream.send(deltaChunk(head, index, { role: 'assistant', content: '' }));
      begun.add(index);
    };
    try {
      const answers = await this.callEach(
        request,
        signal,
        (index, ...piece) => {
          begin(index);
          stream.send(textChunk(head, index, ...piece));
        },
        (index, answer) => {
          begin(index);
          if (answer.toolCalls.length > 0) stream.send(toolCallsChunk(head, index, answer.toolCalls));
          stream.send(finishChunk(head, index, answer));
        },
      );
      const wantsUsage = request.body.stream_options?.include_usage === true;
      if (wantsUsage)
        stream.send(
          usageChunk(
            head,
            answers.map(({ usage }) => usage),
          ),
        );
      stream.end('[DONE]');
    } catch (error) {
      if (!stream.hasBegun) throw error;
      this.endWith(error, stream);
    }
    return answered;
  }

  /** Says in the stream what ended it, with what was produced and what that is charged. */
  private endWith(thrown: unknown, stream: ChunkStream): void {
    const error = toMillraceError(thrown);
    if (error.kind === 'internal') this.logger.error({ err: thrown }, 'a stream of a model failed');
    const usage = error instanceof BrokenOff ? { usage: usageOf([error.reply.usage]) } : {};
    stream.send({ ...openAiErrorOf(error).body, ...usage });
    stream.end(null);
  }

  /** As many calls as answers are asked for. @throws MillraceError of the first that fails; the others are ended */
  private async callEach(
    { body, context, http }: Request,
    signal: AbortSignal,
    onText: (index: number, ...piece: Parameters<OnText>) => void,
    onAnswer: (index: number, answer: Answer) => void = () => undefined,
  ): Promise<readonly Answer[]> {
    const keyId = http.request.caller?.keyId ?? null;
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const call = async (_: unknown, index: number): Promise<Answer> => {
      const show: OnText = (...piece) => onText(index, ...piece);
      const answer = await this.caller.call({ body, context, keyId, signal: either, onText: show });
      onAnswer(index, answer);
      return answer;
    };
    try {
      return await Promise.all(Array.from({ length: body.n ?? 1 }, call));
    } catch (error) {
      failed.abort();
      throw error;
    }
  }
}
