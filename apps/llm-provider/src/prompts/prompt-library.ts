import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { violationsOf } from '@millrace/contracts';
import { invalidInput, MillraceError, type JsonObject } from '@millrace/kernel';
import { fillTemplate, parsePrompt, type Prompt } from './prompt.js';

/** The shipped prompts: in the package's folder, beside both `src` and `dist`. */
const shippedPrompts = fileURLToPath(new URL('../../prompts', import.meta.url));

/** Every prompt there is, read and checked at start. */
export class PromptLibrary {
  private constructor(private readonly prompts: ReadonlyMap<string, Prompt>) {}

  /**
   * Reads all `.md` files below a folder.
   * @throws MillraceError `invalid_prompt` that names the file; a service with a broken prompt does not start.
   */
  static async load(folder: string = shippedPrompts): Promise<PromptLibrary> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map((entry) => join(entry.parentPath, entry.name));
    const prompts = await Promise.all(
      files.map(async (file) => parsePrompt(relative(folder, file).split(sep).join('/'), await readFile(file, 'utf8'))),
    );
    if (prompts.length === 0)
      throw new MillraceError('internal', 'invalid_prompt', `There are no prompts in ${folder}.`);
    return new PromptLibrary(new Map(prompts.map((prompt) => [prompt.id, prompt])));
  }

  /** @throws MillraceError `unknown_prompt` with the names that there are. */
  get(id: string): Prompt {
    const prompt = this.prompts.get(id);
    if (prompt) return prompt;
    const known = [...this.prompts.keys()].sort().join(', ');
    throw invalidInput('unknown_prompt', `There is no prompt ${id}. There are: ${known}.`);
  }
}

/**
 * Checks variables against what the prompt declares and fills in defaults.
 * @throws MillraceError `invalid_prompt_variables` with a pointer to each mistake.
 */
export function checkVariables(prompt: Prompt, variables: JsonObject): JsonObject {
  const parsed = prompt.variables.safeParse(variables);
  if (parsed.success) return parsed.data as JsonObject;
  throw invalidInput(
    'invalid_prompt_variables',
    `The variables do not fit the prompt ${prompt.id}.`,
    violationsOf(parsed.error).map(({ pointer, message }) => ({ pointer: `/variables${pointer}`, message })),
  );
}

/** The prompt's two templates with their variables filled in. */
export function renderPrompt(
  prompt: Prompt,
  variables: JsonObject,
  evidence: string,
): { readonly system: string; readonly user: string } {
  const values = { ...variables, evidence };
  return { system: fillTemplate(prompt.system, values), user: fillTemplate(prompt.user, values) };
}
