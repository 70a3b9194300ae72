import { errorKindOfStatus, problemMediaType, problemSchema } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';

/** The error in a response that is not a success: as the server said it, or from the status where something else answered. */
export async function errorOf(response: Response): Promise<MillraceError> {
  const kind = errorKindOfStatus(response.status);
  const retryAfterSeconds = retryAfterOf(response);
  const isProblem = response.headers.get('content-type')?.startsWith(problemMediaType) === true;
  const text = await response.text().catch(() => '');
  const parsed = isProblem ? problemSchema.safeParse(parseJson(text)) : undefined;
  if (parsed?.success) {
    const { code, detail, errors } = parsed.data;
    return new MillraceError(kind, code, detail, { violations: errors, retryAfterSeconds });
  }
  return new MillraceError(kind, 'unexpected_response', `The server answered ${response.status} without saying why.`, {
    retryAfterSeconds,
  });
}

function retryAfterOf(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
