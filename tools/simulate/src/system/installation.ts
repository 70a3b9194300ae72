import type { TaskKind } from '@millrace/contracts';
import type { Tables } from '../database/tables.js';
import type { Broker } from '../world/broker.js';
import type { World } from '../world/world.js';
import type { Witness } from '../invariants/witness.js';

/** What the processes of the simulated system share. */
export interface Installation {
  readonly world: World;
  readonly tables: Tables;
  readonly broker: Broker;
  readonly witness: Witness;
  /** The kinds of tasks that the seed's runs may have: nobody works on others. */
  readonly taskKinds: ReadonlySet<TaskKind>;
}
