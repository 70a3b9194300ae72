/** What a simulation changes in built files whether a bug is planted or not: sizes that cost time and prove nothing. */
import { replace, type SourceChange } from '@millrace/chaos/source-change';

export const settings: readonly SourceChange[] = [
  replace('libs/contracts/dist/subjects.js', 'partitionCount = 16', 'partitionCount = 4'),
  replace('apps/orchestrator/dist/following/followed-runs.js', 'mostRuns = 100_000', 'mostRuns = 100'),
  replace('apps/orchestrator/dist/graph/graph-library.js', 'max: maxCompiled', 'max: 50'),
  replace('apps/orchestrator/dist/graph/graph-library.js', 'max: maxInlineNames', 'max: 50'),
  replace('apps/orchestrator/dist/idle/watched-tasks.js', 'max: mostTasks', 'max: 100'),
  // Nobody scrapes a simulation, and what is observed would never be let go of.
  replace('libs/telemetry/dist/metrics/instruments.js', 'observers.add(read);', ''),
];
