/** What a task asks for, as a request: its headers checked, its body encoded, its repetition named. */
import { jsonPointer, safeMethods, type httpTask, type InputOf } from '@millrace/contracts';
import { MillraceError, sha256Hex, type JsonValue } from '@millrace/kernel';
import type { WebRequest } from '@millrace/resilience';
import type { Task } from '@millrace/worker';

type HttpInput = InputOf<typeof httpTask>;

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Line breaks would smuggle further headers in; other control characters and what is not Latin-1 cannot be sent. */
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]/;
/** What the connection needs for itself. */
const reserved: ReadonlySet<string> = new Set([
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade', 'te', 'trailer', 'expect'],
  ...['proxy-authorization', 'proxy-connection', 'accept-encoding'],
]);
const idempotencyKey = 'idempotency-key';

/** @throws MillraceError `invalid_headers` with a pointer to each, `unexpected_body` */
export function webRequestOf(input: HttpInput, task: Task): Omit<WebRequest, 'signal'> {
  const { method, url, maxBytes, redirects } = input;
  const headers = checkedHeaders(input.headers);
  const isSafe = (safeMethods as readonly string[]).includes(method);
  if (isSafe && input.body !== undefined)
    throw new MillraceError('invalid', 'unexpected_body', `A ${method} request has no body.`, {
      violations: [{ pointer: '/body', message: `is not sent with ${method}` }],
    });
  const body = input.body === undefined ? undefined : encoded(input.body);
  if (body !== undefined) headers['content-type'] ??= body.type;
  if (!isSafe) headers[idempotencyKey] ??= task.idempotencyKey ?? idempotencyKeyOf(task);
  return { method, url, headers, body: body?.bytes, maxBytes, redirects };
}

/** The same at every attempt and delivery, so that a target which knows the key does its work once. It tells nothing of the run. */
const idempotencyKeyOf = ({ tenantId, runId, node }: Pick<Task, 'tenantId' | 'runId' | 'node'>): string =>
  sha256Hex(`${tenantId}/${runId}/${node}`).slice(0, 32);

function checkedHeaders(given: HttpInput['headers']): Record<string, string> {
  const flaws = Object.entries(given).flatMap(([name, value]) => {
    const flaw = flawOf(name.toLowerCase(), value);
    return flaw === undefined ? [] : [{ name, flaw }];
  });
  if (flaws.length === 0)
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  const violations = flaws.map(({ name, flaw }) => ({ pointer: jsonPointer(['headers', name]), message: flaw }));
  const mistakes = flaws.map(({ name, flaw }) => `${JSON.stringify(name)} ${flaw}`).join('; ');
  throw new MillraceError('invalid', 'invalid_headers', `These headers cannot be sent: ${mistakes}.`, { violations });
}

function flawOf(name: string, value: string): string | undefined {
  if (!headerName.test(name)) return 'is no name of a header';
  if (reserved.has(name)) return 'is set by the connection itself';
  return forbiddenInValue.test(value) ? 'holds a line break or another character that no header can hold' : undefined;
}

function encoded(body: JsonValue): { readonly bytes: Uint8Array; readonly type: string } {
  if (typeof body === 'string') return { bytes: Buffer.from(body), type: 'text/plain; charset=utf-8' };
  return { bytes: Buffer.from(JSON.stringify(body)), type: 'application/json' };
}
