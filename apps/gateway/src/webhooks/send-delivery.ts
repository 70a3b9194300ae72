import { MillraceError, toMillraceError } from '@millrace/kernel';
import { fetchWeb, unexpectedStatus, type WebGuard } from '@millrace/resilience';
import type { AttemptOutcome } from './after-attempt.js';
import { signatureHeaders } from './signature.js';

export interface MessageToSend {
  readonly id: string;
  readonly url: string;
  readonly body: string;
  /** The trace to which the event belongs; null for none. */
  readonly traceparent: string | null;
  readonly secrets: readonly string[];
}

export interface SendingOptions {
  readonly guard: WebGuard;
  readonly timeoutMs: number;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/**
 * One attempt. The status alone decides: redirects are not followed, since what is signed for one endpoint is not for another, and
 * the body of the answer is not read. Never throws but for the signal's reason.
 */
export async function sendDelivery(
  { id, url, body, traceparent, secrets }: MessageToSend,
  { guard, timeoutMs, now, signal }: SendingOptions,
): Promise<AttemptOutcome> {
  const late = new MillraceError('timeout', 'webhook_timeout', `No answer came within ${timeoutMs} ms.`);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(late), timeoutMs);
  try {
    const response = await fetchWeb(guard, {
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'user-agent': 'Millrace-Webhooks',
        ...(traceparent !== null && { traceparent }),
        ...signatureHeaders({ id, sentAt: now, body }, secrets),
      },
      body: Buffer.from(body),
      maxBytes: 0,
      redirects: 0,
      ignoresBody: true,
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    const { status } = response;
    return { status, error: status >= 200 && status < 300 ? null : unexpectedStatus(response, now) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { status: null, error: toMillraceError(error) };
  } finally {
    clearTimeout(timer);
  }
}
