/**
 * Tools for the model that is none: it calls what the request names, with arguments that stand in the request, and then says word for
 * word what the tools said. The same request gives the same calls.
 */
import type { ChatMessage, ChatTool, ToolCall } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { CompletionRequest } from '../completion/completion-model.js';

/** `found`: what some of the tools said is that there are passages now to answer from; `text` is what the others said. */
export type ToolUse = { readonly calls: readonly ToolCall[] } | { readonly text: string; readonly found: boolean };

const mostCalls = 16;
/** Of a request; its beginning names what it wants. */
const readCharacters = 20_000;

/** What it does about tools; null where a request has to do with none. */
export function useTools({ tools = [], toolChoice, messages }: CompletionRequest): ToolUse | null {
  const results = resultsIn(messages);
  const last = messages.findLast((message) => message.role === 'user');
  const asked = typeof last?.content === 'string' ? last.content.slice(0, readCharacters) : '';
  const demanded = typeof toolChoice === 'object' ? tools.find(({ name }) => name === toolChoice.tool) : undefined;
  if (demanded !== undefined) return { calls: [callOf(demanded, argumentsFrom(demanded, asked, results), 0)] };
  const ending = tools.find(({ name }) => name === 'finish');
  if (results.length > 0) {
    if (ending === undefined || toolChoice === 'none') {
      const found = results.filter(isFinding);
      return {
        text: spoken(found.length > 0 ? results.filter((result) => !isFinding(result)) : results),
        found: found.length > 0,
      };
    }
    return { calls: [callOf(ending, argumentsFrom(ending, asked, results), 0)] };
  }
  if (toolChoice === 'none') return null;
  const named = tools.flatMap((tool) => placesOf(tool.name, asked).map((end) => ({ tool, end })));
  if (named.length === 0) return null;
  const inOrder = named.toSorted((left, right) => left.end - right.end).slice(0, mostCalls);
  return { calls: inOrder.map(({ tool, end }, index) => callOf(tool, readArguments(tool, asked.slice(end)), index)) };
}

interface Result {
  readonly tool: string;
  readonly content: string;
}

/** What tools said since the last request. */
function resultsIn(messages: readonly ChatMessage[]): Result[] {
  const recent = messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1);
  const names = new Map(
    recent.flatMap((message) =>
      message.role === 'assistant' ? (message.toolCalls ?? []).map(({ id, name }) => [id, name] as const) : [],
    ),
  );
  return recent.flatMap((message) =>
    message.role === 'tool' ? [{ tool: names.get(message.toolCallId) ?? 'tool', content: message.content }] : [],
  );
}

/** Whether a tool has found passages, which stand in the evidence. */
function isFinding({ content }: Result): boolean {
  const untrusted = objectAt(content)?.['untrusted'];
  const passages = isObject(untrusted) ? untrusted['passagesInEvidence'] : 0;
  return typeof passages === 'number' && passages > 0;
}

const spoken = (results: readonly Result[]): string =>
  results.map(({ tool, content }) => `${tool}: ${content}`).join('\n');

const callOf = ({ name }: ChatTool, given: JsonObject, index: number): ToolCall => ({
  id: `call_${index + 1}`,
  name,
  arguments: JSON.stringify(given),
});

/** Where a text names a tool as a word: the places behind it. */
function placesOf(name: string, text: string): number[] {
  const places: number[] = [];
  const isPart = (character: string | undefined) => character !== undefined && /[A-Za-z0-9_-]/.test(character);
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + name.length)) {
    if (!isPart(text[at - 1]) && !isPart(text[at + name.length])) places.push(at + name.length);
  }
  return places;
}

/** A JSON object right behind the name, or what the required fields find there: numbers, and text in quotation marks or up to the end of the line. */
function readArguments(tool: ChatTool, behind: string): JsonObject {
  const rest = behind.replace(/^\s*(?:with|:)?\s*/, '');
  if (rest.startsWith('{')) return objectAt(rest) ?? {};
  return fill(tool, (name, type, place) => {
    if (type === 'number' || type === 'integer') return numbersIn(rest)[place];
    if (type === 'boolean') return true;
    return /^"([^"\n]*)"/.exec(rest)?.[1] ?? rest.split('\n')[0]?.trim();
  });
}

/** What is demanded of it at the end: fields of what the tools said, by their names, or the words of it. */
function argumentsFrom(tool: ChatTool, asked: string, results: readonly Result[]): JsonObject {
  const said = results.flatMap(({ content }): JsonObject[] => {
    const object = objectAt(content);
    const data = object?.['untrusted'];
    return object === null ? [] : [isObject(data) ? data : object];
  });
  const words = results.length > 0 ? spoken(results) : asked;
  return fill(tool, (name, type) => {
    const known = said.findLast((object) => Object.hasOwn(object, name))?.[name];
    return known ?? (type === 'string' ? words : undefined);
  });
}

type Find = (name: string, type: unknown, place: number) => JsonValue | undefined;

/** What is found for the required fields, in their order. */
function fill({ parameters }: ChatTool, find: Find): JsonObject {
  const properties = isObject(parameters['properties']) ? parameters['properties'] : {};
  const required = Array.isArray(parameters['required']) ? parameters['required'] : [];
  const fields = required.flatMap((name, place): [string, JsonValue][] => {
    if (typeof name !== 'string') return [];
    const schema = properties[name];
    const value = find(name, isObject(schema) ? schema['type'] : undefined, place);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(fields);
}

const numbersIn = (text: string): number[] => (text.match(/-?\d{1,15}(?:\.\d{1,10})?/g) ?? []).map(Number);

/** The object that a text begins with. */
function objectAt(text: string): JsonObject | null {
  if (!text.startsWith('{')) return null;
  for (const end of endsIn(text)) {
    try {
      const value = JSON.parse(text.slice(0, end)) as JsonValue;
      return isObject(value) ? value : null;
    } catch {
      // A brace inside of a text: the next one may be the end.
    }
  }
  return null;
}

/** Places behind which an object may end: where as many braces are closed as opened, a few at most. */
function endsIn(text: string): number[] {
  const ends: number[] = [];
  let open = 0;
  for (let at = 0; at < text.length && ends.length < 8; at += 1) {
    if (text[at] === '{') open += 1;
    else if (text[at] === '}') {
      open -= 1;
      if (open <= 0) ends.push(at + 1);
    }
  }
  return ends;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
