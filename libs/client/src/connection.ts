/** One call of a route over HTTP: the address, the key, the deadline, errors as MillraceErrors. */
import type { HttpMethod } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { errorOf } from './problem.js';

export interface ConnectionOptions {
  /** Where the gateway is, e.g. `http://127.0.0.1:8080`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** How long one call may take, in milliseconds; a stream may be silent as long. Default 120,000. */
  readonly timeoutMs?: number;
}

export interface Call {
  readonly method: HttpMethod;
  /** With parameters in braces, filled from `params`. */
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
}

const defaultTimeoutMs = 120_000;

export class Connection {
  readonly timeoutMs: number;

  constructor(private readonly options: ConnectionOptions) {
    this.timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  }

  /**
   * Sends a call within its deadline and gives the response of a success.
   * @throws MillraceError as the server said it; `server_unreachable`, `request_timeout`, `cancelled`
   */
  async send(call: Call): Promise<Response> {
    const response = await this.exchange(call, AbortSignal.timeout(this.timeoutMs));
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  /** As `send`, but only the beginning of the answer has a deadline; the body goes on until `signal`. */
  async open(call: Call): Promise<Response> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new DOMException('', 'TimeoutError')), this.timeoutMs);
    try {
      const response = await this.exchange(call, deadline.signal);
      if (!response.ok) throw await errorOf(response);
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  private async exchange(call: Call, deadline: AbortSignal): Promise<Response> {
    const signal = call.signal === undefined ? deadline : AbortSignal.any([deadline, call.signal]);
    try {
      return await fetch(this.addressOf(call), {
        method: call.method,
        headers: this.headersOf(call),
        body: call.body,
        redirect: 'error',
        signal,
      });
    } catch (cause) {
      throw this.failureOf(cause, call);
    }
  }

  private failureOf(cause: unknown, call: Call): MillraceError {
    if (call.signal?.aborted) return new MillraceError('cancelled', 'cancelled', 'The call was cancelled.', { cause });
    const { baseUrl } = this.options;
    if (cause instanceof DOMException && cause.name === 'TimeoutError') {
      return new MillraceError('timeout', 'request_timeout', `${baseUrl} did not answer in time.`, { cause });
    }
    return new MillraceError('unavailable', 'server_unreachable', `${baseUrl} cannot be reached.`, { cause });
  }

  private addressOf({ path, params = {}, query = {} }: Call): URL {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
    const address = new URL(this.options.baseUrl.replace(/\/$/, '') + filled);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) address.searchParams.set(name, String(value));
    }
    return address;
  }

  private headersOf({ headers = {} }: Call): Headers {
    const all = new Headers({ authorization: `Bearer ${this.options.apiKey}` });
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) all.set(name, value);
    return all;
  }
}
