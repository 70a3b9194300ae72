import type { ServiceName } from '@millrace/messaging';

export interface ServiceKind {
  readonly name: ServiceName;
  /** Whether it has a database of its own. */
  readonly hasDatabase: boolean;
  /** Whether it serves HTTP to callers. */
  readonly isDoor?: boolean;
}

/**
 * Every service in the order of starting. They are drained the other way: first the door, then workers, each before the
 * ones that it asks, and at last the orchestrator, which takes the results of what the workers were still doing.
 */
export const services: readonly ServiceKind[] = [
  { name: 'orchestrator', hasDatabase: true },
  { name: 'research', hasDatabase: true },
  { name: 'llm-provider', hasDatabase: true },
  { name: 'evaluation', hasDatabase: true },
  { name: 'toolbox', hasDatabase: false },
  { name: 'gateway', hasDatabase: true, isDoor: true },
];
