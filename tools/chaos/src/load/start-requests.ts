/** One request for a start, told as it was answered: nothing is tried again here. */
import { z } from 'zod';
import type { StartAnswer } from '../invariants/evidence.js';

export interface StartTarget {
  readonly baseUrl: string;
  readonly apiKey: string;
}

const bodySchema = z.looseObject({ id: z.string().optional(), code: z.string().optional() });
const timeoutMs = 15_000;

export async function requestStart(
  { baseUrl, apiKey }: StartTarget,
  body: object,
  idempotencyKey: string | null,
): Promise<StartAnswer> {
  try {
    const response = await fetch(`${baseUrl}/v1/runs`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        ...(idempotencyKey !== null && { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { id, code } = bodySchema.parse(await response.json());
    return {
      status: response.status,
      code: code ?? null,
      runId: response.ok ? (id ?? null) : null,
      retryAfter: response.headers.get('retry-after'),
    };
  } catch {
    // No answer, or half of one: the caller cannot know what became of it.
    return { status: 0, code: null, runId: null, retryAfter: null };
  }
}
