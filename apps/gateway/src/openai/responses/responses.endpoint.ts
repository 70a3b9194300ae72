import { routes } from '@millrace/contracts';
import { toMillraceError } from '@millrace/kernel';
import { LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../../endpoint/endpoint.js';
import { answered, type RouteReply, type RouteRequest, type Serves } from '../../endpoint/exchange.js';
import { OpenStreams } from '../../stream/open-streams.js';
import { type Answer, AnswerCaller, BrokenOff } from '../answer-caller.js';
import type { OnText } from '../chat-caller.js';
import { ChunkStream } from '../chunk-stream.js';
import { openAiErrorOf } from '../openai-error.js';
import { chatRequestOf } from './chat-of-responses.js';
import { KeptResponses, type Question } from './kept-responses.js';
import { ResponseEvents } from './response-events.js';
import { completed, responseOf, usageOf } from './response-shapes.js';

type Responses = typeof routes.openAiResponses;
type Request = RouteRequest<Responses>;

@Endpoint(routes.openAiResponses)
export class ResponsesEndpoint implements Serves<Responses> {
  constructor(
    @Inject(AnswerCaller) private readonly caller: AnswerCaller,
    @Inject(KeptResponses) private readonly kept: KeptResponses,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async handle(request: Request): Promise<RouteReply<Responses> | typeof answered> {
    const { tenantId } = request.context;
    const question = await this.kept.question(tenantId, request.body);
    if (request.body.stream === true)
      return await this.streams.run(request, (signal) => this.stream(request, question, signal));
    const answer = await this.call(request, question, request.signal, () => undefined);
    const whole = completed(responseOf(request.body), answer, null);
    return { status: 200, body: await this.kept.keep(tenantId, question, whole) };
  }

  private async stream(request: Request, question: Question, signal: AbortSignal): Promise<typeof answered> {
    const stream = new ChunkStream(request);
    const events = new ResponseEvents(responseOf(request.body), (event) => stream.sendEvent(event));
    try {
      const whole = events.complete(await this.call(request, question, signal, (...piece) => events.text(...piece)));
      // Before the last word: whoever has it may continue the response at once.
      events.end(await this.kept.keep(request.context.tenantId, question, whole));
    } catch (thrown) {
      if (!stream.hasBegun) throw thrown;
      this.endWith(thrown, events);
    }
    stream.end(null);
    return answered;
  }

  private endWith(thrown: unknown, events: ResponseEvents): void {
    const error = toMillraceError(thrown);
    if (error.kind === 'internal') this.logger.error({ err: thrown }, 'a stream of a model failed');
    const { code, message } = openAiErrorOf(error).body.error;
    const usage = error instanceof BrokenOff ? usageOf(error.reply.usage) : null;
    events.fail({ code: code ?? error.code, message }, usage);
  }

  private call(
    { body, context, http }: Request,
    { before, now }: Question,
    signal: AbortSignal,
    onText: OnText,
  ): Promise<Answer> {
    const keyId = http.request.caller?.keyId ?? null;
    return this.caller.call({ body: chatRequestOf(body, [...before, ...now]), context, keyId, signal, onText });
  }
}
