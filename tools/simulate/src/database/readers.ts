import type { ApprovalStatus, DecidedBy, Run, RunStatus, RunSummary } from '@millrace/contracts';
import { notFound, type JsonObject, type JsonValue } from '@millrace/kernel';
import { foldRun, graphsOfRun, runOf, type OrchestratorStores } from '@millrace/orchestrator/core';
import { isBehind, newestFirst, type Place } from './pages.js';
import type { Ask } from './stores.js';
import { eventOf, runText, type ApprovalRow, type RunRow, type Tables } from './tables.js';

type Reader = ReturnType<OrchestratorStores['reader']>;
type Graphs = Parameters<OrchestratorStores['reader']>[0];

const runPlace = (row: RunRow): Place => [row.createdAt, row.runId];
const approvalPlace = (row: ApprovalRow): Place => [row.requestedAt, row.approvalId];

const parsed = <Value>(text: string): Value => JSON.parse(text) as Value;
const parsedOrNull = <Value>(text: string | null): Value | null => (text === null ? null : parsed<Value>(text));

export function runReader(ask: Ask, tables: Tables, graphs: Graphs): Reader {
  const rowOf = (tenantId: string, runId: string): RunRow => {
    const row = tables.runs.get(runText({ tenantId, runId }));
    if (row === undefined) throw notFound('unknown_run', `There is no run ${runId}.`);
    return row;
  };
  return {
    get: async (tenantId, runId) => {
      const { row, events } = await ask('read run', () => {
        const found = rowOf(tenantId, runId);
        return { row: found, events: found.steps === null ? tables.runEvents(found) : [] };
      });
      const { input, output, steps } = row;
      if (steps !== null)
        return { ...summaryOf(row), input: parsed(input), output: parsedOrNull(output), steps: parsed(steps) };
      const all = await graphsOfRun((wanted) => graphs.ofRun(tenantId, wanted), summaryOf(row).graph, events);
      if (all === null) throw new Error(`The graph version of run ${runId} is not stored.`);
      return runOf(foldRun(row, all, events));
    },
    absence: (_tenantId, runId) => Promise.resolve(notFound('unknown_run', `There is no run ${runId}.`)),
    hasSignal: (tenantId, runId, id) =>
      ask('look for signal', () =>
        tables.runEvents({ tenantId, runId }).some((event) => event.type === 'SignalReceived' && event.data.id === id),
      ),
    list: (tenantId, { status, graph }, after, limit) =>
      ask('list runs', () =>
        newestFirst([...tables.runs.values()], runPlace)
          .filter((row) => row.tenantId === tenantId)
          .filter((row) => (status ?? row.status) === row.status && (graph ?? row.graphName) === row.graphName)
          .filter((row) => after === null || isBehind(runPlace(row), [after.createdAt, after.runId]))
          .slice(0, limit)
          .map(summaryOf),
      ),
    events: (tenantId, runId, { after, limit }) =>
      ask('read events', () => {
        const row = rowOf(tenantId, runId);
        const rows = tables.events.get(runText(row)) ?? [];
        const events = rows.filter(({ position }) => position > after).slice(0, limit);
        const reached = events.at(-1)?.position ?? after;
        const listed = events.map((event) => ({ ...eventOf(event), data: parsed<JsonObject>(event.data) }));
        return { events: listed, done: row.finishedAt !== null && reached >= row.lastPosition };
      }),
  };
}

const summaryOf = (row: RunRow): RunSummary => ({
  id: row.runId,
  graph: { name: row.graphName, version: row.graphVersion, digest: row.graphDigest },
  status: row.status as RunStatus,
  error: parsedOrNull<NonNullable<Run['error']>>(row.error),
  createdAt: row.createdAt,
  startedAt: row.startedAt,
  finishedAt: row.finishedAt,
  usage: parsed(row.usage),
});

export const approvalReader = (ask: Ask, { approvals }: Tables): OrchestratorStores['approvals'] => ({
  get: (tenantId, approvalId) =>
    ask('read approval', () => {
      const row = approvals.get(`${tenantId}/${approvalId}`);
      if (row === undefined) throw notFound('unknown_approval', `There is no approval ${approvalId}.`);
      return approvalOf(row);
    }),
  list: (tenantId, { status, runId }, after, limit) =>
    ask('list approvals', () =>
      newestFirst([...approvals.values()], approvalPlace)
        .filter((row) => row.tenantId === tenantId)
        .filter((row) => (status ?? row.status) === row.status && (runId ?? row.runId) === row.runId)
        .filter((row) => after === null || isBehind(approvalPlace(row), [after.requestedAt, after.approvalId]))
        .slice(0, limit)
        .map(approvalOf),
    ),
});

const approvalOf = (row: ApprovalRow) => ({
  id: row.approvalId,
  runId: row.runId,
  graph: { name: row.graphName, version: row.graphVersion, digest: row.graphDigest },
  node: row.node,
  ...(row.attempt > 1 && { attempt: row.attempt }),
  status: row.status as ApprovalStatus,
  title: row.title,
  context: parsed<JsonValue>(row.context),
  assignees: parsed<string[]>(row.assignees),
  form: parsed<JsonObject>(row.form),
  requestedAt: row.requestedAt,
  deadlineAt: row.deadlineAt,
  decidedAt: row.decidedAt,
  decidedBy: parsedOrNull<DecidedBy>(row.decidedBy),
  data: parsedOrNull<JsonObject>(row.data),
});
