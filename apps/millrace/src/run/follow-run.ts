import type { MillraceClient } from '@millrace/client';
import type { Run } from '@millrace/contracts';
import type { Report } from '../terminal/progress.js';

/** Follows a run's events to its end, telling each step, and gives the run as it ended. */
export async function followRun(
  client: MillraceClient,
  runId: string,
  report: Report,
  signal?: AbortSignal,
): Promise<Run> {
  for await (const item of client.streamRun(runId, { signal })) {
    const line = item.kind === 'event' ? describe(item.event.type, item.event.data) : undefined;
    if (line !== undefined) report(line);
  }
  return client.getRun(runId, { signal });
}

function describe(type: string, data: Readonly<Record<string, unknown>>): string | undefined {
  const node = typeof data['node'] === 'string' ? data['node'] : '';
  switch (type) {
    case 'NodeScheduled':
      return `${node} …`;
    case 'RunPaused':
      return 'the run is paused';
    case 'RunResumed':
      return 'the run goes on';
    case 'WaitStarted':
      return `${node} waits ${typeof data['until'] === 'string' ? `until ${data['until']}` : `for the signal ${String(data['signal'])}`}`;
    case 'ApprovalRequested':
      return `${node} waits for an approval: ${String(data['title'])}`;
    case 'NodeCompleted':
      return `${node} done`;
    case 'NodeRetryScheduled':
      return `${node} failed and is tried again`;
    case 'NodeFailed':
      return `${node} failed`;
    case 'NodeSkipped':
      return `${node} skipped`;
    default:
      return undefined;
  }
}
