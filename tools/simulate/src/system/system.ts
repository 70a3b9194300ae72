/** The whole simulated system: its processes, which are started again whenever they are gone. */
import { partitionCount } from '@millrace/contracts';
import { Tables } from '../database/tables.js';
import { FireTime } from '../invariants/fire-times.js';
import { Witness } from '../invariants/witness.js';
import { taskKindsOf } from '../graphs/task-kinds.js';
import { beginning, world as outside } from '../time/virtual-time.js';
import { Broker } from '../world/broker.js';
import { SimulatedProcess } from '../world/simulated-process.js';
import { type World } from '../world/world.js';
import { Caller } from './caller.js';
import type { Installation } from './installation.js';
import { plannedRuns, plannedSchedule } from './planned.js';
import { startOrchestrator, type RunningProcess } from './orchestrator-process.js';
import { startWorkers } from './worker-process.js';

type Start = (process: SimulatedProcess, incarnation: number) => Promise<RunningProcess>;

/** What a process has to end in after it was told to, in milliseconds. */
const graceMs = 10_000;

export class System {
  readonly installation: Installation;
  readonly caller: Caller;

  constructor(
    readonly world: World,
    seed: number,
  ) {
    const witness: Witness = new Witness(
      () => tables,
      () => world.time.now,
    );
    const broker = new Broker(world.time, (payload) => witness.acknowledged(payload));
    const tables = new Tables(partitionCount, new Date(beginning), witness.onStored, () => world.time.now);
    tables.onReported = (partition, until) => witness.reported(partition, until, broker);
    const planned = plannedRuns(seed);
    this.installation = { world, tables, broker, witness, taskKinds: taskKindsOf(planned.map(({ graph }) => graph)) };
    this.keepRunning('orchestrator-a', (process) => startOrchestrator(this.installation, process, 'a'));
    this.keepRunning('orchestrator-b', (process, incarnation) =>
      startOrchestrator(this.installation, process, `b${incarnation}`),
    );
    this.keepRunning('worker-a', (process) => startWorkers(this.installation, process));
    this.keepRunning('worker-b', (process) => startWorkers(this.installation, process));
    if (world.weather.wipes) this.wipeOnce();
    this.caller = new Caller(this.installation);
    for (const run of planned) this.caller.ask(run);
    const schedule = plannedSchedule(seed);
    if (schedule === undefined) return;
    this.caller.askForSchedule(schedule);
    witness.fireTimes.push(new FireTime(schedule));
  }

  private wipeOnce(): void {
    const { world, broker } = this.installation;
    world.time.schedule(world.within([1_000, world.weather.calmAfterMs]), () => {
      world.note(() => 'the bus loses all that it holds');
      void broker.wipe();
    });
  }

  private keepRunning(name: string, start: Start, incarnation = 1): void {
    const { world } = this;
    const process = new SimulatedProcess(`${name}${incarnation}`, world.within(world.weather.clockSkewMs));
    const again = (): void => this.keepRunning(name, start, incarnation + 1);
    process.whenGone(() => void world.time.schedule(world.within([100, 3_000]), again, outside));
    const begin = (): void => {
      world.note(() => 'starts', process);
      void start(process, incarnation).then(
        (running) => this.tellToEnd(process, running),
        () => process.die(),
      );
    };
    world.time.schedule(world.within([0, 500]), begin, process);
  }

  /** Some processes are told to end, as in a deployment. */
  private tellToEnd(process: SimulatedProcess, running: RunningProcess): void {
    const { world } = this;
    if (world.isCalm || world.within([0, 99]) >= 12) return;
    const end = (): void => {
      if (world.isCalm) return;
      world.note(() => 'is told to end', process);
      const die = (): void => process.die();
      void running.stop().then(die, die);
      world.time.schedule(graceMs, die, process);
    };
    world.time.schedule(world.within([1_000, 10_000]), end, process);
  }
}
