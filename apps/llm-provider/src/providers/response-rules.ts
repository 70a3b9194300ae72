/** What holds for every answer of a provider, whoever reads it: none is trusted to behave. */
import { providerError } from './provider-error.js';

export interface ResponseLimits {
  /** Between two line ends of a stream. */
  readonly line: number;
  /** Of a whole answer. */
  readonly total: number;
}

export const responseLimits: ResponseLimits = { line: 1024 * 1024, total: 64 * 1024 * 1024 };
/** An error's body is not read any further. */
export const longestErrorBody = 64 * 1024;

/** What there is still room for, in bytes or in characters, as its user counts. */
export class AnswerRoom {
  private line = 0;
  private total = 0;

  constructor(private readonly limits: ResponseLimits) {}

  /** @param lastLineEnd where in the piece; -1 where it has none. @throws MillraceError `provider_invalid_response` beyond a limit */
  take(length: number, lastLineEnd: number): void {
    this.line = lastLineEnd === -1 ? this.line + length : length - lastLineEnd - 1;
    this.total += length;
    if (this.line > this.limits.line || this.total > this.limits.total)
      throw providerError('provider_invalid_response', 'The model provider sent more than an answer can hold.');
  }
}

export const redirectRefused = () =>
  providerError('provider_redirect_refused', 'The model provider answered with a redirect, which is not followed.');

export const noEventStream = () =>
  providerError('provider_invalid_response', 'The model provider answered without an event stream.');
