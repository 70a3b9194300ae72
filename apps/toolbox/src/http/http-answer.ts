/** What an answer is as the output of a node, or which error it is. Pure. */
import type { httpTask, InputOf, OutputOf } from '@millrace/contracts';
import type { JsonValue } from '@millrace/kernel';
import { unexpectedStatus, type WebResponse } from '@millrace/resilience';

type HttpOutput = OutputOf<typeof httpTask>;

/** What is made for this one connection, or is a secret between two: no part of an output. */
const leftOut: ReadonlySet<string> = new Set(['set-cookie', 'connection', 'keep-alive', 'transfer-encoding']);

/** @throws MillraceError `http_<status>` */
export function outputOf(
  { status: expected }: Pick<InputOf<typeof httpTask>, 'status'>,
  response: WebResponse,
): HttpOutput {
  const { status, url } = response;
  const isExpected = expected === undefined ? status >= 200 && status < 300 : expected.includes(status);
  if (!isExpected) throw unexpectedStatus(response, new Date());
  const type = response.headers['content-type'] ?? '';
  const headers = Object.fromEntries(
    Object.entries(response.headers).flatMap(([name, value]) =>
      leftOut.has(name) || value === undefined ? [] : [[name, storable([value].flat().join(', '))]],
    ),
  );
  return { status, headers, ...bodyOf(response.body, type), url };
}

function bodyOf(bytes: Buffer, type: string): Pick<HttpOutput, 'body' | 'encoding' | 'json'> {
  const [media = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  if (bytes.length > 0 && !isText(media)) return { body: bytes.toString('base64'), encoding: 'base64', json: null };
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  const body = storable(decoded(bytes, charset?.replaceAll('"', '')));
  return { body, encoding: 'text', json: isJson(media) ? parsed(body) : null };
}

const isJson = (media: string): boolean => media === 'application/json' || media.endsWith('+json');
const isText = (media: string): boolean =>
  media === '' ||
  media.startsWith('text/') ||
  isJson(media) ||
  /[/+](xml|javascript|yaml|x-www-form-urlencoded|x-ndjson)$/.test(media);

/** As the answer says it is written; UTF-8 where nobody knows that way. */
function decoded(bytes: Buffer, charset = 'utf-8'): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

/** Postgres keeps every character but this one. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

/** Null where it is no JSON, or JSON that cannot be kept. */
function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text, (_key, value: JsonValue) =>
      typeof value === 'string' ? storable(value) : value,
    ) as JsonValue;
  } catch {
    return null;
  }
}
