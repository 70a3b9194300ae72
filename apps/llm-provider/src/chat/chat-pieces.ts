import { envelopeOf, liveChatPiece, livePiecesSubject, type Logprobs, type MessageContext } from '@millrace/contracts';
import type { MessageBus } from '@millrace/messaging';

/** So often a call says that it goes on, in milliseconds. */
const beatEveryMs = 5_000;

/**
 * Shows the text of one call while it is written: what comes within one turn of the event loop goes in one message. Nothing waits
 * for it, and nothing is lost without it, since the reply has all of the text.
 */
export class ChatPieces {
  private sent = 0;
  private backlog = '';
  /** Of the tokens in the backlog. */
  private logprobs: Logprobs = [];
  private readonly beat: NodeJS.Timeout;

  constructor(
    private readonly bus: MessageBus,
    private readonly call: { readonly callId: string; readonly listenerId: string },
    private readonly context: MessageContext,
  ) {
    this.beat = setInterval(() => this.send(''), beatEveryMs);
  }

  push(text: string, logprobs?: Logprobs): void {
    if (this.backlog === '') setImmediate(() => this.flush());
    this.backlog += text;
    if (logprobs !== undefined) this.logprobs.push(...logprobs);
  }

  /** Sends the rest, and no more beats. */
  end(): void {
    clearInterval(this.beat);
    this.flush();
  }

  private flush(): void {
    const { backlog: text, logprobs } = this;
    if (text === '') return;
    this.backlog = '';
    this.logprobs = [];
    this.send(text, logprobs);
  }

  private send(text: string, logprobs: Logprobs = []): void {
    const { callId, listenerId } = this.call;
    const piece = { callId, at: this.sent, text, ...(logprobs.length > 0 && { logprobs }) };
    const envelope = envelopeOf(liveChatPiece, this.context, piece);
    this.sent += text.length;
    this.bus.notify({ subject: livePiecesSubject(listenerId), envelope });
  }
}
