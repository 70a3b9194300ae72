/** A prompt: a versioned file with front matter, a system and a user template. */
import { MillraceError, type JsonObject } from '@millrace/kernel';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';

export interface Prompt {
  /** `content/draft@1`. */
  readonly id: string;
  readonly description: string;
  /** Checks variables and fills in defaults. */
  readonly variables: z.ZodType<unknown>;
  /** What it answers: free text, or JSON of this schema. */
  readonly answer: 'text' | JsonObject;
  /** The field of a JSON answer that holds Markdown with markers; null where there is none. */
  readonly cites: string | null;
  readonly system: string;
  readonly user: string;
}

const frontMatterSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, 'must be FOLDER/NAME'),
  version: z.int().positive(),
  description: z.string().min(1),
  variables: z.looseObject({ type: z.literal('object'), properties: z.record(z.string(), z.unknown()) }),
  answer: z.union([z.literal('text'), z.looseObject({ type: z.string() })]),
  cites: z.string().optional(),
});

const layout = /^---\r?\n(?<frontMatter>.*?)\r?\n---\r?\n\s*<!-- system -->(?<system>.*?)<!-- user -->(?<user>.*)$/s;
const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;
/** Filled in by the library, not by the caller. */
const evidencePlaceholder = 'evidence';

/**
 * Reads a prompt file.
 * @param file its name below the prompts' folder, e.g. `content/draft@1.md`; it must agree with the front matter.
 * @throws MillraceError `invalid_prompt` that names the file and what is wrong with it.
 */
export function parsePrompt(file: string, content: string): Prompt {
  const fail = (problem: string) => new MillraceError('internal', 'invalid_prompt', `The prompt ${file} ${problem}.`);
  const parts = layout.exec(content)?.groups;
  if (!parts) throw fail('is not front matter between lines of ---, then <!-- system -->, then <!-- user -->');
  const { frontMatter = '', system = '', user = '' } = parts;
  const front = readFrontMatter(frontMatter, fail);
  const id = `${front.name}@${front.version}`;
  if (file !== `${id}.md`) throw fail(`calls itself ${id}`);
  const declared = new Set([...Object.keys(front.variables.properties), evidencePlaceholder]);
  const used = new Set([...`${system}${user}`.matchAll(placeholder)].map((match) => match[1] ?? ''));
  for (const name of used) if (!declared.has(name)) throw fail(`uses the unknown variable {{${name}}}`);
  for (const name of declared) {
    if (!used.has(name)) throw fail(`${name === evidencePlaceholder ? 'has no place for' : 'never uses'} {{${name}}}`);
  }
  return {
    id,
    description: front.description,
    variables: readSchema(front.variables, fail),
    answer: front.answer as 'text' | JsonObject,
    cites: front.cites ?? null,
    system: system.trim(),
    user: user.trim(),
  };
}

type Failure = (problem: string) => MillraceError;

function readFrontMatter(text: string, fail: Failure): z.infer<typeof frontMatterSchema> {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    throw fail(`has front matter that is no YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = frontMatterSchema.safeParse(value);
  if (!parsed.success) throw fail(`has wrong front matter: ${z.prettifyError(parsed.error)}`);
  const { answer, cites } = parsed.data;
  if (answer !== 'text') readSchema(answer, fail);
  if (cites !== undefined && answer === 'text') throw fail('names a field to cite, but answers text');
  return parsed.data;
}

/** @throws whatever `fail` makes when it is no JSON Schema that can be checked. */
function readSchema(schema: Record<string, unknown>, fail: Failure): z.ZodType<unknown> {
  try {
    return z.fromJSONSchema(schema);
  } catch (error) {
    throw fail(`holds a schema that cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Fills the places of a template in one pass, so that text which looks like a place stays text. Values that are no
 * strings are written as JSON; null is `(none)`.
 */
export function fillTemplate(template: string, values: Readonly<Record<string, unknown>>): string {
  return template.replace(placeholder, (_, name: string) => {
    const value = values[name];
    if (value === undefined || value === null || value === '') return '(none)';
    return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
  });
}
