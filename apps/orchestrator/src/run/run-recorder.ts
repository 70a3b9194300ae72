/** Tells what it takes, beside a run's events, to replay it elsewhere. */
import { partitionOf, type GraphIdentity, type RunRecording } from '@millrace/contracts';
import { stateHashOf } from '@millrace/workflow';
import type { OrchestratorStores } from '../schema/stores.js';
import { keyText } from './hot-run.js';
import type { RunLoader } from './run.loader.js';

export class RunRecorder {
  constructor(
    private readonly loader: RunLoader,
    private readonly graphs: OrchestratorStores['graphs'],
    private readonly reader: Pick<ReturnType<OrchestratorStores['reader']>, 'absence'>,
  ) {}

  /** Of a run of this tenant, as far as it is stored. @throws MillraceError `unknown_run`, `run_removed` */
  async record(tenantId: string, runId: string): Promise<RunRecording> {
    const key = { tenantId, runId, partition: partitionOf(runId) };
    const found = (await this.loader.load([key], { andEnded: true })).get(keyText(key));
    if (found instanceof Error) throw found;
    if (found === undefined || typeof found === 'string') throw await this.reader.absence(tenantId, runId);
    const current = await this.version(tenantId, found.graph.identity);
    const earlier: RunRecording['earlier'] = [];
    for (const { identity } of found.earlierGraphs) earlier.push(await this.version(tenantId, identity));
    return {
      runId,
      ...current,
      ...(earlier.length > 0 && { earlier }),
      position: found.position,
      stateHash: stateHashOf(found.state),
    };
  }

  private async version(tenantId: string, graph: GraphIdentity): Promise<Pick<RunRecording, 'graph' | 'document'>> {
    const document = await this.graphs.documentOf(tenantId, graph);
    if (document === undefined) throw new Error(`The graph version ${graph.name}@${graph.version} is not stored.`);
    return { graph, document };
  }
}
