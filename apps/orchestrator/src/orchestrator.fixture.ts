/** A world for the specs: a real database, a real bus, and as many replicas as a test starts on them. */
import {
  envelopeOf,
  partitionOf,
  resultSubject,
  taskResult,
  toolTask,
  type MessageContext,
  type Run,
  type TaskOutcome,
  type TaskResultReply,
} from '@millrace/contracts';
import { connectPostgres, openDatabase, type Database } from '@millrace/database';
import { newId, systemClock, type Clock, type JsonObject, type JsonValue } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { eventually, testDatabase, type BackendKind, type PostgresServer, type TestDatabase } from '@millrace/testing';
import { digestOf } from '@millrace/workflow';
import { startWorker, type ExecuteTask, type RunningWorker } from '@millrace/worker';
import { orchestratorConfig, type OrchestratorConfig } from './config.js';
import { readShippedGraphs } from './graph/shipped-graphs.js';
import { Orchestrator } from './orchestrator.js';
import { orchestratorMigrations } from './schema/migrations/index.js';
import { storesIn } from './schema/stores.js';
import type { OrchestratorTables } from './schema/tables.js';

export const contextOf = (tenantId: string): MessageContext => ({
  tenantId,
  correlationId: newId('cor'),
  causationId: null,
});

export const acme = contextOf('acme');
export const newRunId = (): string => newId('run');

/** A run id of a certain partition. */
export function runIdOfPartition(partition: number): string {
  for (;;) {
    const runId = newRunId();
    if (partitionOf(runId) === partition) return runId;
  }
}

export interface ReplicaOptions {
  readonly bus?: MessageBus;
  readonly database?: Database<OrchestratorTables>;
  readonly config?: Partial<OrchestratorConfig>;
  readonly clock?: Clock;
}

export class World implements AsyncDisposable {
  private readonly stoppable: (() => Promise<unknown>)[] = [];
  readonly bus = createInProcessBus();

  private constructor(private readonly test: TestDatabase<OrchestratorTables>) {}

  static async open(backend: BackendKind): Promise<World> {
    return new World(await testDatabase({ backend, service: 'orchestrator', migrations: orchestratorMigrations }));
  }

  /** On a server of its own, which a test may kill. */
  static async on(server: PostgresServer): Promise<World> {
    const backend = connectPostgres({ connectionString: await server.createDatabase(newId('test')) });
    const database = await openDatabase<OrchestratorTables>({
      backend,
      service: 'orchestrator',
      migrations: orchestratorMigrations,
    });
    const close = async (): Promise<void> => {
      await database.close();
      await backend.close();
    };
    return new World({ database, backend, close, [Symbol.asyncDispose]: close });
  }

  get database(): Database<OrchestratorTables> {
    return this.test.database;
  }

  /** Stores a graph as if it had been published, whatever its mistakes are, and gives its name. */
  async publishUnchecked(document: JsonObject, tenantId = 'acme'): Promise<string> {
    const { name } = document['metadata'] as { name: string };
    const row = { tenant_id: tenantId, name, version: 1, digest: digestOf(document), origin: 'published' } as const;
    await this.database.asService((transaction) =>
      transaction
        .insertInto('graph_version')
        .values({ ...row, description: '', document: JSON.stringify(document) })
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
    return name;
  }

  /** The same database through connections of its own. */
  async anotherDatabase(): Promise<Database<OrchestratorTables>> {
    const { backend } = this.test;
    const database = await openDatabase<OrchestratorTables>({
      backend,
      service: 'orchestrator',
      migrations: orchestratorMigrations,
    });
    this.stoppable.push(() => database.close());
    return database;
  }

  /** Starts a replica. Its leases are short, so that a test need not wait long for a take-over. */
  async replica(name: string, options: ReplicaOptions = {}): Promise<Orchestrator> {
    const orchestrator = new Orchestrator({
      stores: storesIn(options.database ?? this.database),
      shippedGraphs: await readShippedGraphs(),
      bus: options.bus ?? this.bus,
      config: {
        ...orchestratorConfig({ MILLRACE_ORCHESTRATOR_REPLICA: name, MILLRACE_ORCHESTRATOR_LEASE_MS: '900' }),
        timerPollMs: 100,
        ...options.config,
      },
      clock: options.clock ?? systemClock,
      logger: createLogger({ levels: parseLogLevels(process.env['MILLRACE_TEST_LOG'] ?? 'fatal') }),
    });
    await orchestrator.start();
    this.stoppable.push(() => orchestrator.stop());
    return orchestrator;
  }

  /** A worker for tool tasks that answers with the step's name unless told otherwise. */
  async worker(execute?: ExecuteTask<unknown, { result: JsonValue }>, bus = this.bus): Promise<RunningWorker> {
    const worker = await startWorker({
      bus,
      contract: toolTask,
      slots: 8,
      execute: execute ?? ((_input, task) => Promise.resolve({ output: { result: { step: task.node } } })),
    });
    this.stoppable.push(() => worker.drain({ graceMs: 0 }));
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.stoppable.reverse()) await stop().catch(() => undefined);
    await this.bus.drain({ graceMs: 100 });
    await this.test.close();
  }
}

export const start = (
  orchestrator: Orchestrator,
  graph: string | JsonObject,
  runId = newRunId(),
  context = acme,
): Promise<Run> => orchestrator.runs.start(context, { runId, graph, input: {} });

/** Waits until a run has ended, and gives it. */
export const ended = (orchestrator: Orchestrator, runId: string, tenantId = 'acme'): Promise<Run> =>
  eventually(
    async () => {
      const run = await orchestrator.reader.get(tenantId, runId);
      return run.finishedAt === null ? false : run;
    },
    { describe: `run ${runId} has ended` },
  );

/** Sends a result as a worker would, once. */
export async function sendResult(
  bus: MessageBus,
  runId: string,
  result: { node: string; attempt?: number; outcome?: TaskOutcome; context?: MessageContext },
): Promise<TaskResultReply> {
  const { node, attempt = 1, outcome = { status: 'completed', output: { step: node } }, context = acme } = result;
  const data = { taskId: `${runId}:${node}:${attempt}`, runId, node, attempt, outcome };
  const subject = resultSubject(partitionOf(runId));
  return taskResult.response.parse(await bus.request({ subject, envelope: envelopeOf(taskResult, context, data) }));
}
