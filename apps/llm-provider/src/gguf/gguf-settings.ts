/** The variables of a model in this process. */
import { availableParallelism } from 'node:os';
import { variable, wholeNumber } from '@millrace/service';
import { z } from 'zod';
import { WrongGguf } from './gguf-header.js';
import { type GgufFile, inspectGguf } from './gguf-file.js';
import { locateLlama } from './llama-library.js';

export interface GgufSettings {
  readonly file: GgufFile;
  /** Where the library's module is. */
  readonly library: string;
  /** What a prompt and its answer may have together. */
  readonly contextTokens: number;
  /** Answers that are written at once. */
  readonly concurrency: number;
  readonly threads: number;
}

/** The name of its provider: models are called `gguf/NAME`. */
export const ggufProvider = 'gguf';

export const ggufVariables = {
  gguf: variable('MILLRACE_GGUF', z.string().max(4_000).optional(), '/models/qwen3-4b-q4_k_m.gguf'),
  ggufLibrary: variable('MILLRACE_GGUF_LIBRARY', z.string().max(4_000).optional(), '/opt/llama'),
  ggufContextTokens: variable(
    'MILLRACE_GGUF_CONTEXT_TOKENS',
    wholeNumber({ min: 128, max: 10_000_000 }).default(8_192),
    '8192',
  ),
  ggufConcurrency: variable('MILLRACE_GGUF_CONCURRENCY', wholeNumber({ min: 1, max: 64 }).default(1), '1'),
  ggufThreads: variable('MILLRACE_GGUF_THREADS', wholeNumber({ min: 1, max: 1_024 }).optional(), '4'),
};

interface Values {
  readonly gguf: string | undefined;
  readonly ggufLibrary: string | undefined;
  readonly ggufContextTokens: number;
  readonly ggufConcurrency: number;
  readonly ggufThreads: number | undefined;
}

/**
 * What the variables say; null where they name no model.
 * @param wrong makes the error about a variable
 */
export function ggufSettings(values: Values, wrong: (name: string, message: string) => Error): GgufSettings | null {
  if (values.gguf === undefined) return null;
  const file = inspect(values.gguf, wrong);
  const library = locateLlama(values.ggufLibrary);
  if (library === null) {
    if (values.ggufLibrary !== undefined)
      throw wrong('MILLRACE_GGUF_LIBRARY', `names a folder without node-llama-cpp: ${installIn(values.ggufLibrary)}`);
    throw wrong(
      'MILLRACE_GGUF',
      'needs the package node-llama-cpp, which is not installed: npm install --no-save node-llama-cpp@3.22.1',
    );
  }
  return {
    file,
    library,
    contextTokens: values.ggufContextTokens,
    concurrency: values.ggufConcurrency,
    // More threads than processors wait for each other, and cost far more than they bring.
    threads: values.ggufThreads ?? availableParallelism(),
  };
}

function inspect(path: string, wrong: (name: string, message: string) => Error): GgufFile {
  try {
    return inspectGguf(path);
  } catch (error) {
    if (error instanceof WrongGguf) throw wrong('MILLRACE_GGUF', error.message);
    throw error;
  }
}

const installIn = (folder: string): string => `npm install --prefix ${folder} node-llama-cpp@3.22.1`;
