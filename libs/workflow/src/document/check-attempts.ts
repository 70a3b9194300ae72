/** Checks of `retry` and `timeout`: limits that contradict each other, and errors that are never tried again. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { nodesOfTools } from './agent-tools.js';
import type { Path } from './check-templates.js';
import { durationMs } from './duration.js';
import { isContainer, type GraphNode, type WorkerNode } from './graph-document.js';

/** What is wrong at the very request stays wrong. */
const permanentKinds: ReadonlySet<string> = new Set([
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'mismatch',
  'too-large',
  'unsupported',
  'cancelled',
]);

export function checkAttempts(nodes: readonly GraphNode[], path: Path): Violation[] {
  return nodes.flatMap((node, index) => {
    const place = [...path, index];
    if (isContainer(node)) return checkAttempts(node.nodes, [...place, 'nodes']);
    const own = 'retry' in node ? [...retryFlaws(node, place), ...timeoutFlaws(node, place)] : [];
    return node.kind === 'agent' ? [...own, ...nodesOfTools(node, place).flatMap(flawsOfTool)] : own;
  });
}

/** Of what a tool does not say of its own, the agent's flaws are found at the agent. */
function flawsOfTool({ tool, node, place }: ReturnType<typeof nodesOfTools>[number]): Violation[] {
  if (tool.kind === 'subgraph' || !('retry' in node)) return [];
  return [
    ...(tool.retry === undefined ? [] : retryFlaws(node, place)),
    ...(tool.timeout === undefined ? [] : timeoutFlaws(node, place)),
  ];
}

function retryFlaws({ retry }: Pick<WorkerNode, 'retry'>, place: Path): Violation[] {
  const { initial, max } = retry.backoff;
  const kinds = (retry.on ?? []).flatMap((name, index) =>
    permanentKinds.has(name)
      ? [
          at(
            [...place, 'retry', 'on', index],
            `Errors of the kind '${name}' are permanent: they are never tried again.`,
          ),
        ]
      : [],
  );
  if (durationMs(max) >= durationMs(initial)) return kinds;
  return [at([...place, 'retry', 'backoff', 'max'], `This is shorter than \`initial\`, ${initial}.`), ...kinds];
}

function timeoutFlaws({ timeout }: Pick<WorkerNode, 'timeout'>, place: Path): Violation[] {
  if (timeout === undefined) return [];
  const { total, attempt, idle } = timeout;
  if (total === undefined && attempt === undefined && idle === undefined)
    return [at([...place, 'timeout'], 'A timeout states at least one of `total`, `attempt` and `idle`.')];
  const limits = [
    ['attempt', attempt, 'total', total],
    ['idle', idle, 'attempt', attempt],
    ['idle', idle, 'total', total],
  ] as const;
  return limits.flatMap(([name, limit, wider, bound]) => {
    const isWithin = limit === undefined || bound === undefined || durationMs(limit) <= durationMs(bound);
    return isWithin ? [] : [at([...place, 'timeout', name], `This is longer than \`${wider}\`, ${bound}.`)];
  });
}

const at = (path: Path, message: string): Violation => ({ pointer: jsonPointer(path), message });
