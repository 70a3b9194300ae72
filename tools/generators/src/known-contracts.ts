import * as contracts from '@millrace/contracts';
import type { CommandContract, Contract, EventContract, TaskContract } from '@millrace/contracts';

/** Every contract that the contracts library exports, by name: a new one is in the documents without further ado. */
export interface KnownContracts {
  readonly commands: readonly CommandContract[];
  readonly tasks: readonly TaskContract[];
  readonly events: readonly EventContract[];
}

export function knownContracts(): KnownContracts {
  const found = Object.values(contracts as Record<string, unknown>).filter(isContract);
  const sorted = found.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return {
    commands: sorted.filter((contract) => contract.kind === 'command'),
    tasks: sorted.filter((contract) => contract.kind === 'task'),
    events: sorted.filter((contract) => contract.kind === 'event'),
  };
}

/** What a contract is called in a document: `orchestrator.run.start.v1`, `task.llm.v1`, `run.completed.v1`. */
export const keyOf = ({ name, version }: Contract): string => `${name}.v${version}`;

function isContract(value: unknown): value is Contract {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('name' in value)) return false;
  return value.kind === 'command' || value.kind === 'task' || value.kind === 'event';
}
