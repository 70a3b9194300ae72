/**
 * Prepares documents on a worker thread. Formats are hostile: a file of a few bytes may ask for minutes of work or for
 * gigabytes. Off the main thread it delays nobody, and ending the thread enforces the limits.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MillraceError, type ErrorKind } from '@millrace/kernel';
import { bulkhead } from '@millrace/resilience';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Piscina } from 'piscina';
import type { DocumentBytes } from '../extraction/document-format.js';
import type { UnusableCode } from '../extraction/unusable-document.js';
import type { PreparedDocument } from './prepare-document.js';
import type { Preparation } from './prepare-document.worker.js';

/** 20 MiB. */
export const largestDocument = 20 * 1024 * 1024;

export interface PreparationLimits {
  /** Documents prepared at once, each on a thread of its own. */
  readonly threads: number;
  /** How long one document may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The thread's heap, in MiB. */
  readonly heapMb: number;
}

const kindOf: Readonly<Record<UnusableCode, ErrorKind>> = {
  unsupported_content: 'unsupported',
  unreadable_pdf: 'invalid',
  empty_document: 'invalid',
  document_too_complex: 'invalid',
};

@Injectable()
export class DocumentPreparation implements OnApplicationShutdown {
  private readonly threads: Piscina<DocumentBytes, Preparation>;
  /** The queue is here and not in the pool, so that a document's time begins when its thread does. */
  private readonly turns;
  private readonly shutdown = new AbortController();

  constructor(private readonly limits: PreparationLimits) {
    this.threads = new Piscina({
      filename: workerFile(),
      minThreads: 0,
      maxThreads: limits.threads,
      idleTimeout: 10_000,
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMb },
    });
    this.turns = bulkhead({ name: 'Ingestion', slots: limits.threads, queue: 64, code: 'ingestion_busy' });
  }

  /**
   * @throws MillraceError `document_too_large`, `unsupported_content`, `unreadable_pdf`, `empty_document` or
   * `document_too_complex`, each naming the document; `ingestion_busy` (retryable) when too many wait.
   */
  async prepare(document: DocumentBytes): Promise<PreparedDocument> {
    if (document.bytes.byteLength > largestDocument) throw tooLarge(document.source, document.bytes.byteLength);
    const preparation = await this.turns.execute(() => this.runWithinLimits(document), this.shutdown.signal);
    if ('prepared' in preparation) return preparation.prepared;
    const { code, message } = preparation.unusable;
    throw new MillraceError(kindOf[code], code, message);
  }

  async onApplicationShutdown(): Promise<void> {
    this.shutdown.abort();
    await this.threads.destroy();
  }

  private async runWithinLimits(document: DocumentBytes): Promise<Preparation> {
    const timeout = AbortSignal.timeout(this.limits.timeoutMs);
    try {
      return await this.threads.run(document, { signal: timeout });
    } catch (cause) {
      if (timeout.aborted) throw tooComplex(document.source, `${this.limits.timeoutMs / 1000} seconds`, cause);
      if (isOutOfMemory(cause)) throw tooComplex(document.source, `${this.limits.heapMb} MiB of memory`, cause);
      throw cause;
    }
  }
}

export function tooLarge(source: string, bytes: number): MillraceError {
  const mebibytes = (size: number): string => (size / 1024 / 1024).toFixed(1);
  const message = `${source} has ${mebibytes(bytes)} MiB; at most ${mebibytes(largestDocument)} MiB are taken. Split it.`;
  return new MillraceError('too-large', 'document_too_large', message);
}

function tooComplex(source: string, limit: string, cause: unknown): MillraceError {
  const message = `${source} could not be read with ${limit}. Simplify it, or convert it to plain text.`;
  return new MillraceError('invalid', 'document_too_complex', message, { cause });
}

const isOutOfMemory = (thrown: unknown): boolean =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && thrown.code === 'ERR_WORKER_OUT_OF_MEMORY';

/** The worker beside this file: TypeScript in the sources, JavaScript once built. */
function workerFile(): string {
  const built = fileURLToPath(new URL('./prepare-document.worker.js', import.meta.url));
  return existsSync(built) ? built : built.replace(/\.js$/, '.ts');
}
