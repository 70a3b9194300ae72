/** Reads the text of a graph: YAML 1.2, of which JSON is a part. */
import type { JsonObject, Violation } from '@millrace/kernel';
import { isCollection, isMap, isScalar, LineCounter, type Document, type Node } from 'yaml';
import { limits } from '../limits.js';
import { boundsOf } from './bounds.js';
import { composeSource } from './compose-source.js';
import { flawsOf } from './source-flaws.js';
import { brief } from './brief.js';

/** Where the value of a path stands in the text: its line, from 1. */
export type LineOf = (path: readonly string[]) => number | undefined;

export type ParsedSource =
  { readonly document: JsonObject; readonly lineOf: LineOf } | { readonly violations: readonly Violation[] };

/**
 * The document of a text, or what is wrong with it. Safe for hostile text: size, depth, aliases and keys are bounded, and
 * duplicate keys are found. Never throws.
 */
export function parseGraphSource(source: string): ParsedSource {
  if (source.length > limits.sourceLength) {
    return refused(`The text is longer than ${limits.sourceLength} characters.`);
  }
  const lines = new LineCounter();
  try {
    const composed = composeSource(source, lines);
    if ('refusal' in composed) return refused(`${composed.refusal} (${placeOf(composed.offset, lines)})`);
    const { document } = composed;
    const mistakes = [...mistakesOf(document, lines), ...flawsOf(document.contents, lines)];
    if (mistakes.length > 0) return { violations: brief(mistakes) };
    const value: unknown = document.toJS({ maxAliasCount: 50 });
    const violations = boundsOf(value);
    if (violations.length > 0) return { violations: brief(violations) };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return refused('A graph is an object with apiVersion, kind, metadata and nodes.');
    }
    return { document: value as JsonObject, lineOf: (path) => lineOf(document, path, lines) };
  } catch (error) {
    return refused(reasonOf(error));
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ReferenceError)) return 'The text is nested too deeply.';
  return error.message.startsWith('Unresolved') ? error.message : 'Too many aliases.';
}

const refused = (message: string): ParsedSource => ({ violations: brief([{ pointer: '', message }]) });

function mistakesOf(document: Document.Parsed, lines: LineCounter): Violation[] {
  return [...document.errors, ...document.warnings].slice(0, limits.violations).map(({ message, pos: [start] }) => ({
    pointer: '',
    message: `${message.split('\n')[0] ?? message} (${placeOf(start, lines)})`,
  }));
}

function placeOf(offset: number, lines: LineCounter): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}`;
}

function lineOf(document: Document.Parsed, path: readonly string[], lines: LineCounter): number | undefined {
  let node: unknown = document.contents;
  let line: number | undefined;
  for (const step of path) {
    if (!isCollection(node)) break;
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === step) : undefined;
    const next: unknown = pair ? pair.value : node.get(Number(step), true);
    line = (pair && isScalar(pair.key) ? lineAt(pair.key, lines) : undefined) ?? line;
    if (!isNode(next)) break;
    if (!pair) line = lineAt(next, lines) ?? line;
    node = next;
  }
  return line;
}

const lineAt = (node: Node, lines: LineCounter): number | undefined =>
  node.range ? lines.linePos(node.range[0]).line : undefined;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'range' in value;
