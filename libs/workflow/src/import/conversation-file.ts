/** A conversation graph in the form of the Arklex framework, as far as it is read. Whatever else a file holds is left alone. */
import { violationsOf } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { z } from 'zod';
import { limits } from '../limits.js';

const text = z.string().max(20_000);
const idSchema = z.union([z.string().min(1).max(200), z.int()]).describe('The name of a node.');

const nodeSchema = z.looseObject({
  resource: z.looseObject({ name: text.optional(), id: text.optional() }).optional(),
  attribute: z.looseObject({ value: text.nullish(), task: text.nullish() }).optional(),
  type: z.string().nullish(),
});
const edgeSchema = z.looseObject({
  intent: text.nullish(),
  attribute: z
    .looseObject({
      weight: z.number().nullish(),
      pred: z.union([z.boolean(), text]).nullish(),
      definition: text.nullish(),
      sample_utterances: z.array(text).nullish(),
    })
    .optional(),
});

const fileSchema = z.looseObject({
  nodes: z
    .array(z.tuple([idSchema, nodeSchema]))
    .min(1)
    .max(limits.nodes),
  edges: z
    .array(z.tuple([idSchema, idSchema, edgeSchema]))
    .max(10_000)
    .default([]),
});

export interface ConversationNode {
  readonly id: string;
  /** What it says or does; '' where the file says nothing. */
  readonly resource: string;
  readonly value: string;
  readonly task: string;
  readonly isStart: boolean;
}
export interface ConversationEdge {
  readonly from: string;
  readonly to: string;
  /** Null where the way leads on whatever is wanted. */
  readonly intent: string | null;
  readonly description: string;
  readonly examples: readonly string[];
  readonly weight: number;
}
export interface Conversation {
  readonly nodes: readonly ConversationNode[];
  readonly edges: readonly ConversationEdge[];
}

/** Reads a parsed file, or says what is wrong with it. */
export function readConversation(
  file: unknown,
): { readonly conversation: Conversation } | { readonly violations: readonly Violation[] } {
  const parsed = fileSchema.safeParse(file);
  if (!parsed.success) return { violations: violationsOf(parsed.error).slice(0, limits.violations) };
  const nodes = parsed.data.nodes.map(([id, { resource, attribute, type }]): ConversationNode => ({
    id: String(id),
    resource: resource?.name ?? resource?.id ?? '',
    value: attribute?.value ?? '',
    task: attribute?.task ?? '',
    isStart: type === 'start',
  }));
  const known = new Set(nodes.map(({ id }) => id));
  const unknown = parsed.data.edges.flatMap((edge, index) =>
    ([0, 1] as const).flatMap((end): Violation[] =>
      known.has(String(edge[end]))
        ? []
        : [{ pointer: `/edges/${index}/${end}`, message: `There is no node '${String(edge[end]).slice(0, 100)}'.` }],
    ),
  );
  if (known.size < nodes.length) return { violations: [{ pointer: '/nodes', message: 'Two nodes have the same id.' }] };
  if (unknown.length > 0) return { violations: unknown.slice(0, limits.violations) };
  return { conversation: { nodes, edges: parsed.data.edges.map(edgeOf) } };
}

/** Files write "none" for ways without an intent. */
const isNone = (intent: string): boolean => ['', 'none', 'null'].includes(intent.trim().toLowerCase());

function edgeOf([from, to, { intent, attribute }]: z.infer<typeof fileSchema>['edges'][number]): ConversationEdge {
  return {
    from: String(from),
    to: String(to),
    intent: intent === undefined || intent === null || isNone(intent) ? null : intent.trim(),
    description: attribute?.definition ?? '',
    examples: (attribute?.sample_utterances ?? []).filter((example) => example.trim() !== ''),
    weight: attribute?.weight ?? 1,
  };
}
