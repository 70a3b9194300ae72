import type { Migrations } from '@millrace/database';
import { approvals } from './0002-approvals.js';
import { graphsAndRuns } from './0001-graphs-and-runs.js';
import { approvalsOfLaterAttempts } from './0004-approvals-of-later-attempts.js';
import { eventWaits } from './0005-event-waits.js';
import { sharedKeys } from './0006-shared-keys.js';
import { schedules } from './0007-schedules.js';
import { graphAliases } from './0009-graph-aliases.js';
import { cachedOutputs } from './0008-cached-outputs.js';
import { threads } from './0010-threads.js';
import { removedRuns } from './0011-removed-runs.js';
import { traces } from './0003-traces.js';

export const orchestratorMigrations: Migrations = {
  '0001_graphs_and_runs': graphsAndRuns,
  '0002_approvals': approvals,
  '0003_traces': traces,
  '0004_approvals_of_later_attempts': approvalsOfLaterAttempts,
  '0005_event_waits': eventWaits,
  '0006_shared_keys': sharedKeys,
  '0007_schedules': schedules,
  '0008_cached_outputs': cachedOutputs,
  '0009_graph_aliases': graphAliases,
  '0010_threads': threads,
  '0011_removed_runs': removedRuns,
};
