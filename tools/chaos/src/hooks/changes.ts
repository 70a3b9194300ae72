/**
 * What chaos changes in built files while a process loads them; nothing of it is in the product. Each change is found by an
 * anchor, a piece of text that must be there exactly once: when the code around it changes, loading fails and says so.
 *
 * - points: where a process may be made to kill itself;
 * - bugs: what the checker must find when it is planted, off until it is switched on;
 * - settings: waits that would take longer than a trial, and the tool whose effects are counted.
 */
import { changed, insertBefore, replace, type SourceChange } from './source-change.js';

const hook = 'globalThis.millraceChaos';
const isPlanted = (bug: string): string => `${hook}.isPlanted('${bug}')`;

const writer = 'apps/orchestrator/dist/run/run.writer.js';
const worker = 'libs/worker/dist/start-worker.js';
const commit = 'held = await this.parts.store.commit(';

const point = (name: string, file: string, anchor: string): SourceChange =>
  insertBefore(file, anchor, `await ${hook}.reach('${name}'); `);

/** The last one is in the subscriber's own code. */
export const pointNames = [
  'orchestrator.before-commit',
  'orchestrator.after-commit',
  'orchestrator.before-publish',
  'worker.before-result',
  'worker.before-ack',
  'llm-provider.before-ledger',
  'outbox.before-removal',
  'gateway.before-answer',
  'subscriber.before-ack',
] as const;
export type PointName = (typeof pointNames)[number];

export const bugNames = ['without-fence', 'without-inbox', 'ack-before-commit'] as const;
export type BugName = (typeof bugNames)[number];

/** Bugs come first, so that a process comes to its point after the bug has done its work. */
export const sourceChanges: readonly SourceChange[] = [
  replace(
    'libs/workflow/dist/engine/decide.js',
    'node.attempt !== attempt)',
    `(node.attempt !== attempt && !${isPlanted('without-fence')}))`,
  ),
  replace(
    'libs/messaging/dist/inbox/handle-once.js',
    'if (rows.length === 0)',
    `if (rows.length === 0 && !${isPlanted('without-inbox')})`,
  ),
  insertBefore(
    writer,
    commit,
    `if (${isPlanted('ack-before-commit')}) { this.finish(turns, groups, { isHeld: () => true, isSameEpoch: () => true }); await ${hook}.letMessagesOut(); } `,
  ),

  point('orchestrator.before-commit', writer, commit),
  point('orchestrator.after-commit', writer, 'this.finish(turns, groups, { isHeld, isSameEpoch });'),
  insertBefore(
    writer,
    'this.parts.publisher.publishBatch(',
    `await ${hook}.reach('orchestrator.before-publish', { afterMessages: true }); `,
  ),
  point('worker.before-result', worker, 'const refusal = await this.answer(task, outcome)'),
  point('worker.before-ack', worker, "if (task.letGo === 'cancelled')"),
  point(
    'llm-provider.before-ledger',
    'apps/llm-provider/dist/completion/complete.handler.js',
    'return this.ledger.record(',
  ),
  point('outbox.before-removal', 'libs/messaging/dist/outbox/outbox-relay.js', 'await removePublished('),
  point('gateway.before-answer', 'apps/gateway/dist/runs/run-starter.js', 'await this.records.complete(record, run)'),

  replace('libs/contracts/dist/contract.js', 'ackWaitMs = 30_000', 'ackWaitMs = 3_000'),
  replace('libs/contracts/dist/tasks/llm.js', 'ackWaitMs: 60_000', 'ackWaitMs: 3_000'),
  replace(
    'apps/toolbox/dist/tools/registry.js',
    'const tool = tools.get(name)',
    `const tool = name === ${hook}.effectTool.name ? ${hook}.effectTool : tools.get(name)`,
  ),
];

/** The files of all changes, each once. */
export const changedFiles: readonly string[] = [...new Set(sourceChanges.map(({ file }) => file))];

/** A file with its changes. @throws Error that names the anchor which is not there exactly once */
export function changedSource(file: string, source: string): string {
  return sourceChanges.filter((change) => change.file === file).reduce(changed, source);
}
