/** What can go wrong with a provider, as errors with stable codes that hold neither keys nor the provider's raw words. */
import { MillraceError, type ErrorKind } from '@millrace/kernel';
import { leavesUncertain } from '../spending/attempt-progress.js';
import { redactText } from '@millrace/telemetry';
import { APICallError, InvalidResponseDataError, JSONParseError, TypeValidationError } from 'ai';

export type ProviderErrorCode =
  /** It asks for fewer calls. Retryable, with `retryAfterSeconds` where it said so. */
  | 'provider_rate_limited'
  /** The account has no credit left. Permanent. */
  | 'provider_quota_exhausted'
  /** It cannot be reached, answers 5xx, or its circuit is open. Retryable. */
  | 'provider_unavailable'
  /** Silent for too long before the first token, between tokens, or in all. Retryable. */
  | 'provider_timeout'
  /** The answer broke off. Retryable. */
  | 'provider_stream_cut'
  /** The answer is not what the protocol or the prompt asks for. Retryable, for models vary. */
  | 'provider_invalid_response'
  /** It would have gone on for ever, or was cut at the token limit where all of it is needed. Permanent. */
  | 'provider_answer_too_long'
  /** Its content filter stopped the answer. Permanent. */
  | 'provider_refused_content'
  /** The key is wrong or may not use the model. Permanent. */
  | 'provider_authentication_failed'
  /** It does not take the request: unknown model, too long, a wrong field. Permanent. */
  | 'provider_rejected_request'
  /** It sends the request elsewhere, which could leak the key. Permanent. */
  | 'provider_redirect_refused'
  /** Too many calls wait for it here. Retryable. */
  | 'provider_overloaded';

const kinds: Record<ProviderErrorCode, { readonly kind: ErrorKind; readonly retryable: boolean }> = {
  provider_rate_limited: { kind: 'overloaded', retryable: true },
  provider_quota_exhausted: { kind: 'overloaded', retryable: false },
  provider_unavailable: { kind: 'unavailable', retryable: true },
  provider_timeout: { kind: 'timeout', retryable: true },
  provider_stream_cut: { kind: 'unavailable', retryable: true },
  provider_invalid_response: { kind: 'unavailable', retryable: true },
  provider_answer_too_long: { kind: 'too-large', retryable: false },
  provider_refused_content: { kind: 'unsupported', retryable: false },
  provider_authentication_failed: { kind: 'unavailable', retryable: false },
  provider_rejected_request: { kind: 'invalid', retryable: false },
  provider_redirect_refused: { kind: 'unavailable', retryable: false },
  provider_overloaded: { kind: 'overloaded', retryable: true },
};

export function providerError(code: ProviderErrorCode, message: string, retryAfterSeconds?: number): MillraceError {
  const { kind, retryable } = kinds[code];
  return new MillraceError(kind, code, message, {
    retryable,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/**
 * Whatever a call threw, as a MillraceError. Errors of the SDK hold the request and the response, so they are not kept as causes.
 * @param begun whether a part of the answer had arrived.
 */
export function toProviderError(thrown: unknown, begun: boolean): MillraceError {
  const ours = causesOf(thrown).find((cause) => cause instanceof MillraceError);
  if (ours) return ours;
  if (APICallError.isInstance(thrown) && thrown.statusCode !== undefined && thrown.statusCode !== 200) {
    return ofStatus(thrown.statusCode, thrown.responseBody ?? '', thrown.responseHeaders ?? {});
  }
  if (JSONParseError.isInstance(thrown) || TypeValidationError.isInstance(thrown)) {
    return providerError('provider_invalid_response', 'The model provider sent something that is no completion.');
  }
  if (begun || InvalidResponseDataError.isInstance(thrown))
    return providerError('provider_stream_cut', 'The answer of the model provider broke off.');
  const code = networkCode(thrown);
  const error = providerError('provider_unavailable', `The model provider cannot be reached${code && ` (${code})`}.`);
  return neverReached.has(code) ? error : leavesUncertain(error);
}

/** There was no connection, so nothing was asked. After any other loss of one the provider may have begun. */
const neverReached: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** An error that came as data inside a stream that had begun with status 200. */
export function ofStreamedError(data: unknown): MillraceError {
  const { type, code, message } = fieldsOf(data);
  const name = `${type} ${code}`.toLowerCase();
  if (name.includes('insufficient_quota')) return quotaExhausted();
  if (name.includes('rate_limit') || code === '429') {
    return providerError('provider_rate_limited', 'The model provider asks for fewer calls.');
  }
  if (name.includes('authentication') || name.includes('invalid_api_key') || code === '401')
    return authenticationFailed();
  if (name.includes('content_filter') || name.includes('content_policy')) return refusedContent();
  if (name.includes('invalid_request') || code === '400') return rejected(400, message);
  return providerError('provider_unavailable', 'The model provider failed in the middle of its answer.');
}

export const refusedContent = (): MillraceError =>
  providerError('provider_refused_content', "The model provider's content filter stopped the answer.");

function ofStatus(status: number, body: string, headers: Readonly<Record<string, string>>): MillraceError {
  const { type, code, message } = fieldsOf(parseJson(body));
  const retryAfter = retryAfterOf(headers);
  if (status === 401 || status === 403) return authenticationFailed();
  if (status === 402 || (status === 429 && `${type} ${code}`.includes('insufficient_quota'))) return quotaExhausted();
  if (status === 429) {
    return providerError('provider_rate_limited', 'The model provider asks for fewer calls.', retryAfter);
  }
  if (status === 408 || status === 504) {
    return providerError('provider_timeout', `The model provider answered ${status}.`, retryAfter);
  }
  if (status >= 500) {
    return providerError('provider_unavailable', `The model provider answered ${status}.`, retryAfter);
  }
  if (`${type} ${code}`.includes('content_filter')) return refusedContent();
  return rejected(status, message);
}

const authenticationFailed = (): MillraceError =>
  providerError('provider_authentication_failed', 'The model provider does not accept the key.');

const quotaExhausted = (): MillraceError =>
  providerError('provider_quota_exhausted', 'The account at the model provider has no credit left.');

function rejected(status: number, message: string): MillraceError {
  const words = redactText(message).slice(0, 300);
  return providerError(
    'provider_rejected_request',
    `The model provider does not take the request (${status})${words === '' ? '' : `: ${words}`}`,
  );
}

/** Seconds from `Retry-After` (a number or a date), or from `retry-after-ms`. */
function retryAfterOf(headers: Readonly<Record<string, string>>): number | undefined {
  const milliseconds = Number(headers['retry-after-ms']);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds / 1000;
  const value = headers['retry-after'];
  if (value === undefined || value.trim() === '') return undefined;
  const seconds = Number(value);
  const parsed = Number.isFinite(seconds) ? seconds : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(parsed) ? Math.max(0, Math.ceil(parsed)) : undefined;
}

function fieldsOf(data: unknown): { type: string; code: string; message: string } {
  const outer = isRecord(data) && isRecord(data['error']) ? data['error'] : data;
  const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
  if (!isRecord(outer)) return { type: '', code: '', message: text(outer) };
  return { type: text(outer['type']), code: text(outer['code']), message: text(outer['message']) };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error and what caused it, outermost first. */
function causesOf(thrown: unknown): Record<string, unknown>[] {
  const causes: Record<string, unknown>[] = [];
  for (let current = thrown; isRecord(current) && causes.length < 10; current = current['cause']) causes.push(current);
  return causes;
}

/** `ECONNREFUSED`, which says more than the words around it and nothing of where it is; empty where there is none. */
function networkCode(thrown: unknown): string {
  const code = causesOf(thrown)
    .map((cause) => cause['code'])
    .find((candidate) => typeof candidate === 'string' && /^[A-Z_]{3,40}$/.test(candidate));
  return typeof code === 'string' ? code : '';
}
