import { type completeChat, type MessageContext, type OpenAiChatRequest, type ResponseOf } from '@millrace/contracts';
import { invalidInput, MillraceError, newId } from '@millrace/kernel';
import { Inject, Injectable } from '@nestjs/common';
import { ChatCaller, type OnText } from './chat-caller.js';
import { ChatPieces } from './chat-pieces.js';
import { callOf } from './chat-request.js';
import { graphOf } from './graph-answer.js';
import { GraphCaller } from './graph-caller.js';

type Reply = ResponseOf<typeof completeChat>;
export type Answer = Extract<Reply, { status: 'completed' }>;

export interface AnswerCall {
  readonly body: OpenAiChatRequest;
  readonly context: MessageContext;
  /** The key that makes the call. */
  readonly keyId: string | null;
  readonly onText: OnText;
  readonly signal: AbortSignal;
}

/** One answer of whatever a request names: a model, a route or a graph. */
@Injectable()
export class AnswerCaller {
  constructor(
    @Inject(ChatCaller) private readonly models: ChatCaller,
    @Inject(ChatPieces) private readonly pieces: ChatPieces,
    @Inject(GraphCaller) private readonly graphs: GraphCaller,
  ) {}

  /** @throws MillraceError as both callers do; `BrokenOff` after a part of the answer was shown */
  async call({ body, keyId, ...call }: AnswerCall): Promise<Answer> {
    const graph = graphOf(body.model);
    if (graph !== null) {
      if (body.logprobs === true) throw noLogprobs();
      return this.graphs.call({ ...call, graph, body });
    }
    const { listenerId } = this.pieces;
    const request = callOf(body, { callId: newId('call'), listenerId, keyId });
    const reply = await this.models.call({ ...call, request });
    if (reply.status === 'failed') throw new BrokenOff(reply);
    return reply;
  }
}

/** A failure after a part of the answer was written. */
export class BrokenOff extends MillraceError {
  constructor(readonly reply: Extract<Reply, { status: 'failed' }>) {
    const { kind, code, message } = reply.error;
    super(kind, code, message, reply.error);
  }
}

const noLogprobs = (): MillraceError =>
  invalidInput('logprobs_not_offered', 'A graph tells no likelihoods of tokens.', [
    { pointer: '/logprobs', message: 'is for models only' },
  ]);
