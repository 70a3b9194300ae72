import {
  completeChat,
  envelopeOf,
  liveChatStop,
  liveStopSubject,
  type Logprobs,
  type MessageContext,
  type RequestOf,
  type ResponseOf,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { BUS } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { ChatPieces } from './chat-pieces.js';
import { CommandSender } from '../commands/command-sender.js';

/** A piece of an answer's text, with how likely its tokens were where that was asked for; or, without text, what is left of that. */
export type OnText = (text: string, logprobs?: Logprobs) => void;

export interface ChatCall {
  /** Its `listenerId` is that of `ChatPieces`. */
  readonly request: RequestOf<typeof completeChat>;
  readonly context: MessageContext;
  /** Text in its order, each piece once. */
  readonly onText: OnText;
  /** Ends the call, down to the provider's socket. */
  readonly signal: AbortSignal;
}

/** The service itself bounds how long a call may take; here is only noticed when nothing is heard of one any more. */
const longestCallMs = 24 * 3_600_000;
const longestSilenceMs = 20_000;
/** A stop may overtake its call, or get lost with a connection: it is said again. */
const stopAgainAfterMs = [200, 800];

/** Calls models over the bus: a command for the whole answer, and pieces of its text while it is written. */
@Injectable()
export class ChatCaller {
  constructor(
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(ChatPieces) private readonly pieces: ChatPieces,
    @Inject(CommandSender) private readonly commands: CommandSender,
  ) {}

  /** @throws MillraceError as `completeChat` refuses; `service_unavailable` when nothing is heard of the call any more; `cancelled` */
  async call({ request, context, onText, signal }: ChatCall): Promise<ResponseOf<typeof completeChat>> {
    const { callId } = request;
    const silence = new Silence();
    let shown = 0;
    let logprobsShown = 0;
    const heard = this.pieces.listen(callId, {
      tenantId: context.tenantId,
      onPiece: (at, text, logprobs) => {
        silence.end();
        // After a gap the reply has the rest.
        if (at !== shown || text === '') return;
        shown += text.length;
        logprobsShown += logprobs?.length ?? 0;
        onText(text, logprobs);
      },
    });
    const stop = (): void => this.stop(callId, context);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      const reply = await this.commands.send(completeChat, context, request, {
        timeoutMs: longestCallMs,
        signal: either,
      });
      const logprobs = reply.status === 'completed' ? (reply.logprobs?.slice(logprobsShown) ?? []) : [];
      if (reply.text.length > shown || logprobs.length > 0) onText(reply.text.slice(shown), logprobs);
      return reply;
    } catch (error) {
      throw silence.signal.aborted && !signal.aborted ? silence.signal.reason : error;
    } finally {
      signal.removeEventListener('abort', stop);
      silence.close();
      heard.stop();
    }
  }

  private stop(callId: string, context: MessageContext): void {
    const say = (): void =>
      this.bus.notify({ subject: liveStopSubject(callId), envelope: envelopeOf(liveChatStop, context, { callId }) });
    say();
    for (const delay of stopAgainAfterMs) setTimeout(say, delay).unref();
  }
}

/** Aborts when nothing was heard for too long. */
class Silence {
  private readonly controller = new AbortController();
  private readonly timer = setTimeout(() => this.controller.abort(lost()), longestSilenceMs);

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    this.timer.refresh();
  }

  close(): void {
    clearTimeout(this.timer);
  }
}

const lost = (): MillraceError =>
  new MillraceError(
    'unavailable',
    'service_unavailable',
    'The llm-provider service has gone in the middle of a call.',
    {
      retryAfterSeconds: 2,
    },
  );
