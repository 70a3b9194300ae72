import type { ServerResponse } from 'node:http';
import { frameOf, heartbeatFrame } from './server-sent-event.js';
import { type StreamPosition, streamIdOf } from './stream-position.js';

/**
 * Writes one reader's stream. Every frame's id says how far the reader is in events and in tokens, so two sources may
 * write at the same time; each waits until its frame is taken, so nothing is buffered beyond the socket. A reader who takes
 * nothing for `stallMs` is cut: it may come back with its last id and misses nothing.
 */
export class EventStreamWriter {
  private turn: Promise<void> = Promise.resolve();
  private pending = 0;

  constructor(
    private readonly response: ServerResponse,
    private position: StreamPosition,
    private readonly stallMs: number,
  ) {}

  /** Resolves when the frame is taken, or when the reader is gone and there is nobody to write to. */
  async send(event: string, data: unknown, reached: Partial<StreamPosition>): Promise<void> {
    await this.inTurn(() => {
      this.position = { ...this.position, ...reached };
      return frameOf({ event, id: streamIdOf(this.position), data });
    });
  }

  /** Skipped while a frame waits for the reader: a heartbeat says nothing then. */
  async heartbeat(): Promise<void> {
    if (this.pending === 0) await this.inTurn(() => heartbeatFrame);
  }

  async end(): Promise<void> {
    await this.turn;
    this.response.end();
  }

  private async inTurn(frame: () => string): Promise<void> {
    this.pending += 1;
    const mine = this.turn.then(() => this.write(frame()));
    this.turn = mine.finally(() => {
      this.pending -= 1;
    });
    await this.turn;
  }

  private async write(text: string): Promise<void> {
    const { response } = this;
    if (response.destroyed || response.write(text)) return;
    await new Promise<void>((resolve) => {
      const stalled = setTimeout(() => response.destroy(), this.stallMs);
      const settle = (): void => {
        clearTimeout(stalled);
        response.off('drain', settle).off('close', settle);
        resolve();
      };
      response.once('drain', settle).once('close', settle);
    });
  }
}
