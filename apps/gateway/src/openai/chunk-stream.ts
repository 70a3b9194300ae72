import type { Route } from '@millrace/contracts';
import type { ServerResponse } from 'node:http';
import type { RouteRequest } from '../endpoint/exchange.js';
import { openEventStream } from '../stream/begin-stream.js';

/** A reader who has not taken so many bytes is cut: nothing is kept for one who does not read. */
const mostUnread = 4 * 1024 * 1024;

/** A stream of OpenAI's chunks, which begins with the first of them: until then the call can still be refused with a status. */
export class ChunkStream {
  private response: ServerResponse | null = null;

  constructor(private readonly request: Pick<RouteRequest<Route>, 'http'>) {}

  get hasBegun(): boolean {
    return this.response !== null;
  }

  send(chunk: object): void {
    this.write(`data: ${JSON.stringify(chunk)}`);
  }

  /** A chunk that is named as an event, too. */
  sendEvent(event: { readonly type: string }): void {
    this.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}`);
  }

  /** After an error there is no end mark: an answer that broke off must not look whole. */
  end(mark: '[DONE]' | null): void {
    if (mark !== null) this.write(`data: ${mark}`);
    this.response?.end();
  }

  private write(frame: string): void {
    this.response ??= openEventStream(this.request);
    if (this.response.destroyed) return;
    this.response.write(`${frame}\n\n`);
    if (this.response.writableLength > mostUnread) this.response.destroy();
  }
}
