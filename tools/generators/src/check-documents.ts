import asyncApiSpecs from '@asyncapi/specs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv, type AnySchema, type ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

/** What is wrong with the documents by the rules of their own formats; empty when they are valid. */
export async function mistakesIn(documents: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const mistakes: string[] = [];
  for (const [path, text] of documents) {
    for (const mistake of await mistakesInDocument(path, text)) mistakes.push(`${path}: ${mistake}`);
  }
  return mistakes;
}

async function mistakesInDocument(path: string, text: string): Promise<readonly string[]> {
  if (path.endsWith('.md')) return [];
  const document = parse(text) as Record<string, unknown>;
  if (path === 'openapi.json') {
    const { valid, errors } = await new Validator().validate(document);
    return valid ? [] : [typeof errors === 'string' ? errors : JSON.stringify(errors)];
  }
  return path === 'asyncapi.yaml' ? mistakesInAsyncApi(document) : mistakesInSchema(document);
}

function mistakesInAsyncApi(document: unknown): readonly string[] {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(asyncApiSpecs.schemasWithoutId['3.0.0'] as object);
  return validate(document) ? danglingReferences(document) : described(validate.errors);
}

/** The format's own schema does not follow references, so this does. */
function danglingReferences(document: unknown): readonly string[] {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(([, pointer = '']) => pointer);
  return [...new Set(references)]
    .filter((pointer) => !leadsSomewhere(document, pointer))
    .map((pointer) => `nothing at #${pointer}`);
}

function leadsSomewhere(document: unknown, pointer: string): boolean {
  let value: unknown = document;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !(key in value)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return true;
}

/** Whether a schema is one: compiling follows its references and refuses keywords that do not exist. */
function mistakesInSchema(document: unknown): readonly string[] {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  addFormats.default(ajv);
  try {
    ajv.compile(document as AnySchema);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : 'is no schema'];
  }
}

const described = (errors: readonly ErrorObject[] | null | undefined): readonly string[] =>
  (errors ?? []).slice(0, 20).map(({ instancePath, message }) => `${instancePath} ${message ?? 'is wrong'}`);
