/** Errors in OpenAI's shape, so that its clients raise what they know. */
import type { OpenAiError } from '@millrace/contracts';
import type { MillraceError } from '@millrace/kernel';
import { problemOf } from '../problem/problem-of.js';

export interface OpenAiErrorAnswer {
  readonly status: number;
  readonly body: OpenAiError;
  readonly headers: Readonly<Record<string, string>>;
}

/** Whether an address answers in OpenAI's shapes. */
export const speaksOpenAi = (path: string): boolean => path.startsWith('/openai/');

/** Codes that OpenAI has its own words for. */
const known: Readonly<Record<string, { readonly status: number; readonly type: string; readonly code: string }>> = {
  unknown_model: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  unknown_graph: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  unknown_alias: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  unknown_model_route: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  response_not_found: { status: 404, type: 'invalid_request_error', code: 'response_not_found' },
  item_not_found: { status: 404, type: 'invalid_request_error', code: 'item_not_found' },
  invalid_api_key: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' },
  missing_api_key: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' },
  budget_exceeded: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  provider_quota_exhausted: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  provider_rate_limited: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  provider_refused_content: { status: 400, type: 'invalid_request_error', code: 'content_filter' },
  provider_answer_too_long: { status: 502, type: 'server_error', code: 'provider_answer_too_long' },
};

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
};

export function openAiErrorOf(error: MillraceError): OpenAiErrorAnswer {
  const { problem, headers } = problemOf(error, '');
  const { status, type, code } = known[error.code] ?? {
    status: problem.status,
    type: types[problem.status] ?? (problem.status >= 500 ? 'server_error' : 'invalid_request_error'),
    code: error.code,
  };
  const [violation] = error.violations;
  const param =
    violation === undefined || violation.pointer === '' ? null : violation.pointer.slice(1).replaceAll('/', '.');
  const isSaid = violation === undefined || error.message.includes(violation.message);
  const message = isSaid ? error.message : `${error.message} ${param ?? 'It'}: ${violation.message}`;
  return {
    status,
    body: { error: { message, type, param, code } },
    // Its clients try again by the status alone unless they are told.
    headers: { ...headers, 'x-should-retry': String(error.retryable) },
  };
}
