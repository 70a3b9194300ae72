/** A process with a worker for every kind of task: the product's own protocol around work that is simulated. */
import {
  customWorkerTaskOf,
  taskContracts,
  taskResult,
  taskResults,
  type TaskContract,
  type TaskKind,
  type TaskResult,
  type TaskResults,
  type TaskResultsReply,
} from '@millrace/contracts';
import { MillraceError, type JsonValue } from '@millrace/kernel';
import { TransportBus } from '@millrace/messaging';
import { startWorker, type ExecuteTask, type Task, type TaskResultOf } from '@millrace/worker';
import { setTimeout as pause } from 'node:timers/promises';
import type { Witness } from '../invariants/witness.js';
import { customWorkerName, taskUsd } from '../graphs/node-kinds.js';
import { askOf } from '../database/stores.js';
import { Connection } from '../world/connection.js';
import type { SimulatedProcess } from '../world/simulated-process.js';
import type { Installation } from './installation.js';
import { tenants } from './tenants.js';
import type { RunningProcess } from './orchestrator-process.js';

type MakeOutput = (mark: string) => unknown;

/** What work of each kind gives. It bears the mark of the task that made it. */
const outputs: Readonly<Record<TaskKind, MakeOutput>> = {
  tool: (mark) => ({ result: mark }),
  search: (mark) => ({ query: mark, passages: [], coverage: 1 }),
  llm: (mark) => ({ text: mark, json: null, citations: [], model: 'simulated', ...callsOf(mark) }),
  evaluate: (mark) => ({
    ...{ score: 1, passed: true, citations: { total: 0, resolved: 0 } },
    checks: { only: { score: 1, confidence: 'high', reasons: [mark] } },
  }),
  http: (mark) => ({ status: 200, headers: {}, body: mark, encoding: 'text', json: null, url: 'https://example.org/' }),
  browser: (mark) => ({
    ...{ url: 'https://example.org/', title: mark, mediaType: 'text/html', documentId: 'd', snapshotSha256: 's' },
    ...{ characters: 0, passages: [], truncated: false, outcome: 'created' },
  }),
  database: (mark) => ({ rows: [{ mark }], columns: ['mark'], truncated: false }),
  router: (mark) => ({ intent: 'ask', confidence: 0.5, slots: { mark }, missing: [], model: 'simulated' }),
  worker: (mark) => mark,
};

/** What the model of an agent asks for: tools that it may call and that it may not, well and badly, more often than it answers. */
function callsOf(mark: string): object {
  const fate = [...mark].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 1_009, 7);
  if (!mark.includes('.model:') || fate % 4 === 0) return { finishReason: 'stop' };
  const names = ['echo', 'find', 'inner', 'delay', 'send', 'secret', 'own', 'finish'] as const;
  const toolCalls = Array.from({ length: 1 + (fate % 3) }, (_, index) => ({
    id: 'same',
    name: names[(fate + index) % names.length] ?? 'echo',
    arguments: fate % 5 === 0 ? '{"mark": ' : JSON.stringify({ mark }),
  }));
  return { finishReason: 'tool-calls', toolCalls };
}

/** The silence after which the bus gives a task to somebody else: far less than the contracts', so that it happens in a seed's time. */
const ackWaitMs = 5_000;

/** The contracts of some kinds; of the tenants' own programs, one for each tenant. */
const contractsOf = (kinds: ReadonlySet<TaskKind>): (readonly [TaskContract, MakeOutput])[] =>
  [...kinds].flatMap((kind) => {
    const contracts = kind === 'worker' ? tenants.map(customContract) : [taskContracts[kind]];
    return contracts.map((contract) => [{ ...(contract as TaskContract), ackWaitMs }, outputs[kind]] as const);
  });

const customContract = (tenantId: string) => customWorkerTaskOf({ tenantId, worker: customWorkerName });

/** What is taken back is taken back whatever the budget is, and costs nothing here; nor do the tools of an agent. */
const usageOf = (node: string) => ({
  ...{ promptTokens: 2, completionTokens: 1 },
  costUsd: /(~compensate|\.tools|\.call)$/.test(node) ? 0 : taskUsd,
});

export async function startWorkers(installation: Installation, process: SimulatedProcess): Promise<RunningProcess> {
  const { world, broker } = installation;
  const bus = new WitnessedBus(installation.witness, {
    transport: new Connection(world, process, broker),
    report: ({ code, message, cause }) => world.note(() => `problem ${code}: ${message} ${String(cause)}`, process),
    publishTimeoutMs: 5_000,
  });
  const clock = { now: () => new Date(world.time.now + process.clockSkewMs) };
  const onError = (error: unknown): void => world.note(() => `worker: ${String(error)}`, process);
  const workers = await Promise.all(
    contractsOf(installation.taskKinds).map(([contract, make]) =>
      startWorker({
        ...{ bus, contract, clock, onError },
        slots: 3,
        settleMs: 500,
        execute: working(installation, process, make),
      }),
    ),
  );
  return {
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.drain({ graceMs: 3_000 })));
      await bus.drain({ graceMs: 500 });
    },
  };
}

/** Lets the witness see what is answered to results: then something about them is stored, or was long before. */
class WitnessedBus extends TransportBus {
  constructor(
    private readonly witness: Witness,
    platform: ConstructorParameters<typeof TransportBus>[0],
  ) {
    super(platform);
  }

  override async request(...asked: Parameters<TransportBus['request']>): Promise<unknown> {
    const reply = await super.request(...asked);
    const [{ envelope }] = asked;
    if (envelope.type === taskResult.name) this.see(envelope.tenantId, envelope.data as TaskResult, reply);
    if (envelope.type !== taskResults.name) return reply;
    const { verdicts } = reply as TaskResultsReply;
    for (const [index, result] of (envelope.data as TaskResults).results.entries()) {
      const verdict = verdicts[index];
      if (verdict !== undefined && !('error' in verdict)) this.see(envelope.tenantId, result, verdict);
    }
    return reply;
  }

  private see(tenantId: string, { runId, node, attempt }: TaskResult, reply: unknown): void {
    const text = `${tenantId}/${runId}`;
    this.witness.answered(text, 'a result is answered after it is stored', (run) => !run.waitsFor(node, attempt), {
      node,
      attempt,
      reply,
    });
  }
}

/** Work as a service does it: looked for in its ledger first, and noted there before it is answered. */
function working(
  { world, tables, witness }: Installation,
  process: SimulatedProcess,
  make: MakeOutput,
): ExecuteTask<unknown, unknown> {
  const ask = askOf(world, process);
  return async (_input, task) => {
    const { taskId, tenantId, runId, node } = task;
    witness.executes(`${tenantId}/${runId}`, task);
    const done = await ask(`ledger of ${taskId}`, () => tables.ledger.get(taskId));
    if (done !== undefined) return JSON.parse(done) as TaskResultOf<JsonValue>;
    await doWork(world.within([0, 99]), world.within([0, 3_000]), world.isCalm, task);
    const result = { output: make(`made by ${taskId}`), usage: usageOf(node) };
    await ask(`note ${taskId}`, () => void tables.ledger.set(taskId, JSON.stringify(result)));
    return result;
  };
}

async function doWork(fate: number, tookMs: number, isCalm: boolean, { signal }: Task): Promise<void> {
  if (fate < 4 && !isCalm) return await pause(tookMs * 20);
  await pause(tookMs, undefined, { signal });
  if (fate < 14) throw new MillraceError('unavailable', 'flaky', 'It may work later.');
  if (fate < 16) throw new MillraceError('invalid', 'hopeless', 'It will never work.');
  if (fate < 18) throw new Error('Nobody thought of this.');
}
