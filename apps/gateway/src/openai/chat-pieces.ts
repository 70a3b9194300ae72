import { liveChatPiece, livePiecesSubject, type Logprobs } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import type { IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';
import { BUS } from '@millrace/service';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';

export interface PieceListener {
  readonly tenantId: string;
  /** A piece of text, empty where the call only goes on. `at`: how many characters were before it. */
  readonly onPiece: (at: number, text: string, logprobs?: Logprobs) => void;
}

/** What is heard of this process's calls of models while they go on. One subscription serves all: one for each would cost as much as its call. */
@Injectable()
export class ChatPieces implements OnModuleInit, OnApplicationShutdown {
  /** By this name other processes tell this one. */
  readonly listenerId = newId('listener');
  private readonly listeners = new Map<string, PieceListener>();
  private subscription: Subscription | undefined;

  constructor(@Inject(BUS) private readonly bus: MessageBus) {}

  async onModuleInit(): Promise<void> {
    this.subscription = await this.bus.subscribe(livePiecesSubject(this.listenerId), (message) => this.hear(message));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.subscription?.stop();
  }

  /** Hears of one call, until it is told to stop. */
  listen(callId: string, listener: PieceListener): { stop(): void } {
    this.listeners.set(callId, listener);
    return { stop: () => void this.listeners.delete(callId) };
  }

  private hear({ envelope }: IncomingMessage): void {
    const piece = liveChatPiece.data.safeParse(envelope.data);
    if (!piece.success) return;
    const { callId, at, text, logprobs } = piece.data;
    const listener = this.listeners.get(callId);
    if (listener?.tenantId === envelope.tenantId) listener.onPiece(at, text, logprobs);
  }
}
