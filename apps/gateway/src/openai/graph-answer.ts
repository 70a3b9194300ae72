/** How a conversation becomes the input of a graph, and the output of its run the answer. */
import type { OpenAiChatRequest } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';

const prefix = 'graph:';

/** `NAME` or `NAME@VERSION` of a model that is a graph; null for other models. */
export const graphOf = (model: string): string | null => (model.startsWith(prefix) ? model.slice(prefix.length) : null);

/**
 * The input of a graph: the conversation as `messages` and what the user said last as `prompt`, where the graph's schema names them; in
 * a graph that names neither, the last words are its one required field that is nowhere else. `metadata` gives further fields.
 */
export function graphInput(
  document: JsonObject,
  request: Pick<OpenAiChatRequest, 'messages' | 'metadata'>,
): JsonObject {
  const schema = objectIn(document['input']);
  const names = Object.keys(objectIn(schema['properties']));
  const conversation = request.messages.map((message): JsonObject => {
    return { role: message.role === 'developer' ? 'system' : message.role, content: wordsOf(message.content) };
  });
  const prompt = wordsOf(request.messages.findLast(({ role }) => role === 'user')?.content);
  const given: JsonObject = { ...(request.metadata ?? {}) };
  if (names.includes('messages')) given['messages'] = conversation;
  if (names.includes('prompt')) given['prompt'] = prompt;
  if (names.includes('messages') || names.includes('prompt')) return given;
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const open = required.filter((name): name is string => typeof name === 'string' && !Object.hasOwn(given, name));
  return open.length === 1 && open[0] !== undefined ? { ...given, [open[0]]: prompt } : given;
}

type Content = OpenAiChatRequest['messages'][number]['content'];

function wordsOf(content: Content): string {
  if (typeof content === 'string') return content;
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

/** The fields of an output that may be its text. */
const textFields = ['answer', 'text', 'markdown'] as const;
const wholeText = /^\$\{\{\s*nodes\.([A-Za-z0-9_-]+)\.output\.(?:text|json\.[A-Za-z0-9_]+)\s*\}\}$/;

/** The node whose text is the answer, so that it can be shown while it is written; null where only the end tells. */
export function answeringNode(document: JsonObject): string | null {
  const output = textIn(document['output'] ?? null);
  return output === null ? null : (wholeText.exec(output)?.[1] ?? null);
}

/** The output of a run as text: itself, its text, or all of it as JSON. */
export const answerText = (output: JsonValue): string => textIn(output) ?? JSON.stringify(output);

function textIn(output: JsonValue): string | null {
  if (typeof output === 'string') return output;
  const fields = objectIn(output);
  const texts = textFields.map((name) => fields[name]).filter((value) => typeof value === 'string');
  return texts[0] ?? null;
}

const objectIn = (value: JsonValue | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
