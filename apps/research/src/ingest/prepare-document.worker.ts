/**
 * The worker thread of `DocumentPreparation`. Run from source (tests, development) Node strips the types by itself but
 * takes `.js` in an import for a file of that name, so the names are mapped first; built code needs nothing.
 */
import { registerHooks } from 'node:module';
import type { DocumentBytes } from '../extraction/document-format.js';
import type { UnusableCode } from '../extraction/unusable-document.js';
import type { PreparedDocument } from './prepare-document.js';

if (import.meta.url.endsWith('.ts')) {
  registerHooks({
    resolve(specifier, context, next) {
      const isOwnSource = specifier.startsWith('.') && context.parentURL?.endsWith('.ts') === true;
      return next(isOwnSource ? specifier.replace(/\.js$/, '.ts') : specifier, context);
    },
  });
}
const { prepareDocument } = await import('./prepare-document.js');
const { UnusableDocument } = await import('../extraction/unusable-document.js');

export type Preparation =
  | { readonly prepared: PreparedDocument }
  | { readonly unusable: { readonly code: UnusableCode; readonly message: string } };

/** Errors lose their class between threads, so an unusable document is a value here. */
export default async function prepare(document: DocumentBytes): Promise<Preparation> {
  try {
    return { prepared: await prepareDocument(document) };
  } catch (thrown) {
    if (!(thrown instanceof UnusableDocument)) throw thrown;
    return { unusable: { code: thrown.code, message: thrown.message } };
  }
}
