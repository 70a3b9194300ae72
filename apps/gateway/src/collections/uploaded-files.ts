import { MillraceError } from '@millrace/kernel';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { GatewayConfig } from '../config.js';
import { incomplete, tooSlow } from '../endpoint/body-stream.js';

export interface UploadedFile {
  readonly source: string;
  readonly mediaType: string | undefined;
  readonly content: Buffer | 'too-large';
}

type UploadLimits = Pick<GatewayConfig, 'uploadFileBytes' | 'uploadFiles' | 'requestTimeoutMs'>;

/**
 * The files of a form, one at a time as they arrive. A file over the limit is read to its end and forgotten, so that
 * those behind it are still reached.
 * @throws MillraceError `too_many_files`, `incomplete_body`, `request_too_slow`, `malformed_form`.
 */
export async function* uploadedFiles(request: FastifyRequest, limits: UploadLimits): AsyncGenerator<UploadedFile> {
  const { uploadFileBytes: fileSize, uploadFiles: files, requestTimeoutMs } = limits;
  const deadline = AbortSignal.timeout(requestTimeoutMs);
  const parts = request.files({ preservePath: true, limits: { fileSize, files, fields: 10, parts: files + 10 } });
  try {
    for (;;) {
      const next = await inTime(parts.next(), deadline, requestTimeoutMs);
      if (next.done) return;
      yield await inTime(fileOf(next.value), deadline, requestTimeoutMs);
    }
  } catch (error) {
    throw formErrorOf(error, files);
  }
}

async function fileOf(part: MultipartFile): Promise<UploadedFile> {
  const content = await part.toBuffer();
  return {
    source: part.filename,
    mediaType: part.mimetype,
    content: part.file.truncated ? 'too-large' : content,
  };
}

async function inTime<Value>(work: Promise<Value>, deadline: AbortSignal, timeoutMs: number): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const refuse = (): void => reject(tooSlow(timeoutMs));
  if (deadline.aborted) refuse();
  deadline.addEventListener('abort', refuse);
  try {
    return await Promise.race([work, promise]);
  } finally {
    deadline.removeEventListener('abort', refuse);
  }
}

/** What busboy says without a code. */
const endedEarly = /unexpected end|terminated early/i;

/** The form parser's errors, in our words. */
function formErrorOf(error: unknown, files: number): unknown {
  if (error instanceof MillraceError || !(error instanceof Error)) return error;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT') {
    return new MillraceError('too-large', 'too_many_files', `Send at most ${files} files at once.`, { cause: error });
  }
  if (code === 'FST_MP_PREMATURE_CLOSE' || endedEarly.test(error.message)) return incomplete(error);
  return new MillraceError('invalid', 'malformed_form', 'The form cannot be read.', { cause: error });
}
