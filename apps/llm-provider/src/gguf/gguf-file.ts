import { closeSync, fstatSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { ByteReader } from './byte-reader.js';
import { readGgufHeader, WrongGguf, type GgufHeader } from './gguf-header.js';

export interface GgufFile {
  readonly path: string;
  /** How callers name the model behind `gguf/`: the name of the file, without what a name may not hold. */
  readonly model: string;
  readonly bytes: number;
  /** Tells it from another file at the same place. */
  readonly fingerprint: string;
}

/** Files that stand beside models, and write nothing. */
const noModels: ReadonlySet<string> = new Set(['clip', 'adapter', 'mmproj']);

/**
 * A model's file, as far as can be seen without loading it.
 * @throws WrongGguf that says what is wrong, to be read behind the name of what names the file
 */
export function inspectGguf(path: string): GgufFile {
  const file = open(path);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new WrongGguf('is no file');
    const header = readGgufHeader(new ByteReader(file, stat.size));
    refuseOtherThings(header);
    if (header.neededBytes > stat.size)
      throw new WrongGguf(
        `is cut off: it has ${stat.size} bytes of at least ${header.neededBytes}; load it down again`,
      );
    return { path, model: modelOf(path), bytes: stat.size, fingerprint: `${stat.size}-${Math.round(stat.mtimeMs)}` };
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new WrongGguf(`names a file that is not there: ${path}`);
    throw new WrongGguf(`names a file that cannot be read (${code ?? 'unknown'}): ${path}`);
  }
}

function refuseOtherThings({ values, tensors }: GgufHeader): void {
  const architecture = values.get('general.architecture');
  const type = values.get('general.type');
  if (typeof architecture !== 'string' || tensors === 0)
    throw new WrongGguf('holds no model: it has no architecture or no tensors');
  if (noModels.has(architecture) || noModels.has(String(type)))
    throw new WrongGguf(`holds ${String(type ?? architecture)}, which is no language model`);
  const part = Number(values.get('split.no') ?? 0);
  if (part > 0) throw new WrongGguf(`is part ${part + 1} of a model; name its first part`);
}

const modelOf = (path: string): string =>
  basename(path)
    .replace(/\.gguf$/i, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 100) || 'model';
