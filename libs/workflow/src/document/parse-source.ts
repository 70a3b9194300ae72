/** Reads the text of a graph: YAML 1.2, of which JSON is a part. */
import type { JsonObject, Violation } from '@millrace/kernel';
import { isCollection, isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { limits } from '../limits.js';
import { boundsOf } from './bounds.js';

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
    const options = { lineCounter: lines, stringKeys: true, uniqueKeys: false, prettyErrors: false } as const;
    const document = parseDocument(source, { ...options, logLevel: 'error' });
    const mistakes = [...mistakesOf(document, lines), ...duplicateKeys(document, lines)];
    if (mistakes.length > 0) return { violations: mistakes.slice(0, limits.violations) };
    const value: unknown = document.toJS({ maxAliasCount: 50 });
    const violations = boundsOf(value);
    if (violations.length > 0) return { violations };
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

const refused = (message: string): ParsedSource => ({ violations: [{ pointer: '', message }] });

function mistakesOf(document: Document.Parsed, lines: LineCounter): Violation[] {
  return [...document.errors, ...document.warnings].map(({ message, pos: [start] }) => {
    const { line, col } = lines.linePos(start);
    if (message.includes('call stack')) return { pointer: '', message: 'The text is nested too deeply.' };
    return { pointer: '', message: `${message.split('\n')[0] ?? message} (line ${line}, column ${col})` };
  });
}

/** Keys that stand twice in one map. (The parser's own check takes quadratic time.) */
function duplicateKeys(document: Document.Parsed, lines: LineCounter): Violation[] {
  const violations: Violation[] = [];
  const open: unknown[] = [document.contents];
  for (let node = open.pop(); open.length > 0 || node !== undefined; node = open.pop()) {
    if (!isCollection(node)) continue;
    if (!isMap(node)) {
      open.push(...node.items);
      continue;
    }
    const seen = new Set<unknown>();
    for (const { key, value } of node.items) {
      open.push(value);
      if (!isScalar(key)) continue;
      if (seen.has(key.value)) {
        const line = lineAt(key, lines);
        violations.push({ pointer: '', message: `The key ${String(key.value)} stands twice (line ${line ?? '?'})` });
      }
      seen.add(key.value);
    }
  }
  return violations;
}

const lineAt = (node: Node, lines: LineCounter): number | undefined =>
  node.range ? lines.linePos(node.range[0]).line : undefined;

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

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'range' in value;
