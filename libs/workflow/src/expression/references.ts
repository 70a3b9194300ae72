/** What an expression reads, from its syntax alone. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { allowedFunctions } from './environment.js';

export interface References {
  /** The ids in `nodes.<id>`, each once. */
  readonly ids: readonly string[];
  /** Whether `nodes` is used in another way (`nodes[x]`, `size(nodes)`), by which references could not be known. */
  readonly dynamic: boolean;
}

export function referencesOf(root: ASTNode): References {
  const ids = new Set<string>();
  let uses = 0;
  let named = 0;
  visit(root, (node) => {
    if (node.op === 'id' && node.args === 'nodes') uses += 1;
    const id = referencedId(node);
    if (id === undefined) return;
    named += 1;
    ids.add(id);
  });
  return { ids: [...ids], dynamic: uses > named };
}

/** The id that a node of the form `nodes.<id>` or `nodes["<id>"]` names. */
function referencedId(node: ASTNode): string | undefined {
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return undefined;
  const [target, key] = node.args;
  if (target.op !== 'id' || target.args !== 'nodes') return undefined;
  if (typeof key === 'string') return key;
  return key.op === 'value' && typeof key.args === 'string' ? key.args : undefined;
}

/** The first function that the expression calls and expressions may not call. */
export function forbiddenCall(root: ASTNode): string | undefined {
  let forbidden: string | undefined;
  visit(root, (node) => {
    if (node.op !== 'call' && node.op !== 'rcall') return;
    const [name] = node.args;
    if (!allowedFunctions.has(name)) forbidden ??= name;
  });
  return forbidden;
}

function visit(root: ASTNode, see: (node: ASTNode) => void): void {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) {
      open.push(...(next as unknown[]));
    } else if (isNode(next)) {
      see(next);
      open.push(next.args);
    }
  }
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value;
