import type { ServerResponse } from 'node:http';
import { frameOf, heartbeatFrame } from './server-sent-event.js';

export interface Frame<Position> {
  /** The kind of event; a reader without interest in kinds takes those that have none. */
  readonly event?: string;
  readonly data: unknown;
  /** How far the reader is when it has this frame. */
  readonly reached?: Partial<Position>;
}

/**
 * Writes one reader's stream. Every frame's id says how far the reader is, so several sources may
 * write at the same time; each waits until its frame is taken, so nothing is buffered beyond the socket. A reader who takes
 * nothing for `stallMs` is cut: it may come back with its last id and misses nothing.
 */
export class EventStreamWriter<Position extends object> {
  private turn: Promise<void> = Promise.resolve();
  private pending = 0;

  constructor(
    private readonly response: ServerResponse,
    private position: Position,
    private readonly options: { readonly idOf: (position: Position) => string; readonly stallMs: number },
  ) {}

  /** Resolves when the frame is taken, or when the reader is gone and there is nobody to write to. */
  async send({ event, data, reached }: Frame<Position>): Promise<void> {
    await this.inTurn(() => frameOf({ event, id: this.advance(reached), data }));
  }

  /**
   * With how far a reader is for whom nothing came, it moves the last id on by an event `position`. Skipped while a frame waits for
   * the reader: a heartbeat says nothing then, and what it has reached is too old.
   */
  async heartbeat(reached?: Partial<Position>): Promise<void> {
    if (this.pending > 0) return;
    if (reached === undefined) await this.inTurn(() => heartbeatFrame);
    else await this.send({ event: 'position', data: {}, reached });
  }

  async end(): Promise<void> {
    await this.turn;
    this.response.end();
  }

  private advance(reached: Partial<Position> = {}): string {
    this.position = { ...this.position, ...reached };
    return this.options.idOf(this.position);
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
      const stalled = setTimeout(() => response.destroy(), this.options.stallMs);
      const settle = (): void => {
        clearTimeout(stalled);
        response.off('drain', settle).off('close', settle);
        resolve();
      };
      response.once('drain', settle).once('close', settle);
    });
  }
}
