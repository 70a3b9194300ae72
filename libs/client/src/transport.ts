import {
  type BodyInputOf,
  errorKindOfStatus,
  type ParamsOf,
  problemSchema,
  type QueryInputOf,
  type ResponseBodyOf,
  type Route,
  type StatusOf,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { setTimeout as pause } from 'node:timers/promises';
import type { CallOptions, ClientOptions } from './client-options.js';

/** What a call of a route takes. */
export interface RouteCall<R extends Route> extends CallOptions {
  readonly params?: ParamsOf<R>;
  readonly query?: QueryInputOf<R>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** The JSON body of a route that takes one. */
  readonly body?: BodyInputOf<R>;
  /** The body of any other route: text, bytes or a form. */
  readonly rawBody?: string | Uint8Array<ArrayBuffer> | FormData;
  /** Whether sending it twice is the same as once, so that it may be tried again. Reading always is. */
  readonly isRepeatable?: boolean;
}

export interface RouteAnswer<R extends Route> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ResponseBodyOf<R, StatusOf<R>>;
}

type QueryValue = string | number | boolean | readonly string[] | undefined;

const defaultTimeoutMs = 30_000;
const defaultAttempts = 3;

/** Calls routes over `fetch`: addresses, headers, timeouts, attempts, and errors as the server meant them. */
export class Transport {
  constructor(private readonly options: ClientOptions) {
    if (!URL.canParse(options.baseUrl)) {
      throw new MillraceError('invalid', 'invalid_base_url', `${JSON.stringify(options.baseUrl)} is no address.`);
    }
  }

  /**
   * @throws MillraceError with the server's code and violations; `server_unreachable`, `request_timeout`,
   *   `request_cancelled`; `invalid_reply` for an answer that is not the contract's.
   */
  async call<R extends Route>(route: R, call: RouteCall<R> = {}): Promise<RouteAnswer<R>> {
    const attempts =
      call.isRepeatable === true || route.method === 'GET' ? (this.options.attempts ?? defaultAttempts) : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.callOnce(route, call);
      } catch (error) {
        if (!(error instanceof MillraceError) || !error.retryable || attempt >= attempts) throw error;
        await backOff(error, attempt, call.signal);
      }
    }
  }

  /** One request whose answer is good, with its body unread. Errors as `call`. */
  async open<R extends Route>(route: R, call: RouteCall<R>, signal: AbortSignal | undefined): Promise<Response> {
    try {
      const response = await fetch(this.addressOf(route, call), {
        method: route.method,
        headers: this.headersOf(call),
        body: call.body === undefined ? call.rawBody : JSON.stringify(call.body),
        signal,
        redirect: 'error',
      });
      if (!response.ok) throw await problemIn(response);
      return response;
    } catch (error) {
      throw connectionError(error, this.options.baseUrl, call.signal);
    }
  }

  private async callOnce<R extends Route>(route: R, call: RouteCall<R>): Promise<RouteAnswer<R>> {
    const timeout = AbortSignal.timeout(call.timeoutMs ?? this.options.timeoutMs ?? defaultTimeoutMs);
    const response = await this.open(route, call, call.signal ? AbortSignal.any([call.signal, timeout]) : timeout);
    const { status, headers } = response;
    const schema = route.responses[status]?.schema;
    if (!schema) {
      await response.body?.cancel();
      return { status, headers, body: undefined as ResponseBodyOf<R, StatusOf<R>> };
    }
    const text = await response.text().catch((error: unknown) => {
      throw connectionError(error, this.options.baseUrl, call.signal);
    });
    const parsed = schema.safeParse(jsonIn(text));
    if (parsed.success) return { status, headers, body: parsed.data as ResponseBodyOf<R, StatusOf<R>> };
    throw new MillraceError('internal', 'invalid_reply', `The answer of ${route.name} cannot be read.`, {
      cause: parsed.error,
    });
  }

  private addressOf<R extends Route>(route: R, { params, query }: RouteCall<R>): URL {
    const values = (params ?? {}) as Readonly<Record<string, string>>;
    const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
    const base = this.options.baseUrl.replace(/\/+$/, '');
    const address = new URL(base + path);
    for (const [name, value] of Object.entries((query ?? {}) as Readonly<Record<string, QueryValue>>)) {
      if (Array.isArray(value)) for (const each of value as readonly string[]) address.searchParams.append(name, each);
      else if (value !== undefined) address.searchParams.set(name, String(value));
    }
    return address;
  }

  private headersOf<R extends Route>({ headers, body }: RouteCall<R>): Headers {
    const sent = new Headers({ authorization: `Bearer ${this.options.apiKey}`, accept: 'application/json' });
    if (body !== undefined) sent.set('content-type', 'application/json');
    for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) sent.set(name, value);
    return sent;
  }
}

/** Waits as long as the server says, else longer with each attempt. */
export async function backOff(error: MillraceError, attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const seconds = error.retryAfterSeconds ?? Math.min(0.2 * 2 ** attempt, 5);
  await pause(seconds * 1000, undefined, { signal }).catch(() => {
    throw cancelled();
  });
}

async function problemIn(response: Response): Promise<MillraceError> {
  const kind = errorKindOfStatus(response.status);
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(retryAfter) ? retryAfter : undefined;
  const problem = problemSchema.safeParse(jsonIn(await response.text()));
  if (!problem.success) {
    const message = `The server answered ${response.status} without saying why. Is it Millrace?`;
    return new MillraceError(kind, 'unexpected_answer', message, { retryAfterSeconds });
  }
  const { code, detail, errors: violations } = problem.data;
  // What is still in flight may be asked for again, as its Retry-After says.
  const retryable = retryAfterSeconds !== undefined ? true : undefined;
  return new MillraceError(kind, code, detail, { violations, retryAfterSeconds, retryable });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const cancelled = (): MillraceError => new MillraceError('cancelled', 'request_cancelled', 'The call was cancelled.');

function connectionError(error: unknown, baseUrl: string, signal: AbortSignal | undefined): MillraceError {
  if (error instanceof MillraceError) return error;
  if (signal?.aborted) return cancelled();
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new MillraceError('timeout', 'request_timeout', 'The server did not answer in time.', { cause: error });
  }
  const { origin } = new URL(baseUrl);
  const message = `Cannot reach ${origin}. Is Millrace running there?`;
  return new MillraceError('unavailable', 'server_unreachable', message, { cause: error });
}
