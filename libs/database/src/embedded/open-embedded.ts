/**
 * PGlite, for one process that hosts every service. It has ONE session: all services share one instance, one kysely
 * driver and one turnstile, or their transactions would run into each other.
 */
import { join } from 'node:path';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import { MillraceError } from '@millrace/kernel';
import { Kysely, PGliteDialect } from 'kysely';
import type { DatabaseBackend } from '../backend.js';
import { valueParsers } from '../values.js';
import { EmbeddedSession } from './embedded-session.js';
import { lockFolder } from './folder-lock.js';
import { statementRecorder } from '../tracing/statement-span.js';
import { Turnstile } from './turnstile.js';

export interface EmbeddedOptions {
  /** Where the data stays, e.g. `.millrace/database`; made if need be. Without it the data lives in memory and ends with the process. */
  readonly dataDirectory?: string;
  /** A database in memory that begins as this dump (of `PGlite.dumpDataDir`), which is faster than an empty one. */
  readonly snapshot?: Blob;
  /** How long a caller waits for its turn. Default 30,000. */
  readonly connectionTimeoutMs?: number;
}

/** An embedded database, and its dump for the next start. */
export interface EmbeddedBackend extends DatabaseBackend {
  readonly kind: 'pglite';
  dump(): Promise<Blob>;
}

/**
 * Opens the embedded database. The first start of a folder takes seconds, a later one fractions of a second.
 * @throws MillraceError `data_folder_in_use`, `data_folder_unreadable`
 */
export async function openEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedBackend> {
  const { dataDirectory, snapshot, connectionTimeoutMs = 30_000 } = options;
  const unlock = dataDirectory === undefined ? undefined : await lockFolder(dataDirectory);
  try {
    const pglite = await open(dataDirectory, {
      parsers: { ...valueParsers },
      ...(snapshot !== undefined && { loadDataDir: snapshot }),
    });
    return backendOf(pglite, new Turnstile(connectionTimeoutMs), unlock);
  } catch (error) {
    await unlock?.();
    throw error;
  }
}

async function open(dataDirectory: string | undefined, options: PGliteOptions): Promise<PGlite> {
  if (dataDirectory === undefined) return PGlite.create(options);
  try {
    return await PGlite.create(join(dataDirectory, 'postgres'), options);
  } catch (error) {
    throw new MillraceError(
      'unavailable',
      'data_folder_unreadable',
      `The database in ${dataDirectory} cannot be opened. If it was made by another version of Millrace, use that one; ` +
        'if it is damaged, restore a backup or choose another folder. Nothing in it was changed.',
      { cause: error, retryable: false },
    );
  }
}

function backendOf(pglite: PGlite, turnstile: Turnstile, unlock: (() => Promise<void>) | undefined): EmbeddedBackend {
  // Whoever passes the turnstile works alone, so this is whose statement runs now.
  const current = { schema: '' };
  const log = statementRecorder(() => current.schema);
  const kysely = new Kysely<unknown>({ dialect: new PGliteDialect({ pglite }), ...(log !== undefined && { log }) });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await turnstile.close(() => pglite.close());
    await unlock?.();
  };
  const backend: EmbeddedBackend = {
    kind: 'pglite',
    asUser: (work) => turnstile.pass(() => work(kysely)),
    openSession: (names) => Promise.resolve(new EmbeddedSession({ pglite, kysely, turnstile, current }, names)),
    dump: () => turnstile.pass(() => pglite.dumpDataDir('gzip')),
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => backend.close(),
  };
  return backend;
}
