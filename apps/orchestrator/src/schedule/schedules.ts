/** What tenants do with their schedules. */
import type { Schedule, ScheduleSpec } from '@millrace/contracts';
import { invalidInput, notFound, type Clock } from '@millrace/kernel';
import { checkInput } from '@millrace/workflow';
import type { GraphLibrary } from '../graph/graph-library.js';
import { FireTimes } from './fire-times.js';
import type { ScheduleCursor, ScheduleRow, ScheduleStore } from './schedule.store.js';

const shownFireTimes = 5;

type Changes = { readonly [Field in keyof ScheduleSpec]?: ScheduleSpec[Field] | undefined };

export class Schedules {
  constructor(
    private readonly store: Pick<ScheduleStore, 'insert' | 'find' | 'list' | 'update' | 'delete'>,
    private readonly graphs: GraphLibrary,
    private readonly clock: Clock,
  ) {}

  /**
   * Creates a schedule; one of this id that is there already stays as it is.
   * @throws MillraceError `invalid_schedule`, `unknown_graph`, `invalid_input`
   */
  async create(tenantId: string, id: string, spec: ScheduleSpec): Promise<Schedule> {
    const now = this.clock.now();
    await this.store.insert(tenantId, id, { spec, nextAt: await this.checked(tenantId, spec, now), now });
    return await this.get(tenantId, id);
  }

  /** @throws MillraceError `unknown_schedule` */
  async get(tenantId: string, id: string): Promise<Schedule> {
    return this.shown(await this.row(tenantId, id));
  }

  async list(tenantId: string, after: ScheduleCursor | null, limit: number): Promise<Schedule[]> {
    return (await this.store.list(tenantId, after, limit)).map((row) => this.shown(row));
  }

  /** @throws MillraceError `unknown_schedule`, and as `create` */
  async update(tenantId: string, id: string, changes: Changes): Promise<Schedule> {
    const { spec: before } = await this.row(tenantId, id);
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const spec: ScheduleSpec = { ...before, ...given };
    const now = this.clock.now();
    await this.store.update(tenantId, id, { spec, nextAt: await this.checked(tenantId, spec, now), now });
    return await this.get(tenantId, id);
  }

  /** @throws MillraceError `unknown_schedule` */
  async delete(tenantId: string, id: string): Promise<void> {
    if (!(await this.store.delete(tenantId, id))) throw unknown(id);
  }

  private async row(tenantId: string, id: string): Promise<ScheduleRow> {
    const row = await this.store.find(tenantId, id);
    if (row === undefined) throw unknown(id);
    return row;
  }

  /** The first fire time of a schedule that can be kept; null for a paused one. */
  private async checked(tenantId: string, spec: ScheduleSpec, now: Date): Promise<Date | null> {
    const times = FireTimes.of(spec, now);
    const graph = await this.graphs.resolve(tenantId, spec.graph);
    const checked = checkInput(graph.compiled, spec.input);
    if ('violations' in checked) {
      const violations = checked.violations.map(({ pointer, message }) => ({ pointer: `/input${pointer}`, message }));
      throw invalidInput('invalid_input', `The input does not fit graph ${graph.identity.name}.`, violations);
    }
    return spec.paused ? null : times.after(now);
  }

  private shown(row: ScheduleRow): Schedule {
    const { spec } = row;
    const now = this.clock.now();
    const times = spec.paused ? [] : FireTimes.of(spec, row.created_at).next(now, shownFireTimes);
    const last =
      row.last_at === null
        ? null
        : {
            firedFor: row.last_at.toISOString(),
            runId: row.last_reason === null ? row.last_run_id : null,
            reason: row.last_reason,
          };
    return {
      ...spec,
      id: row.schedule_id,
      nextFireTimes: times.map((time) => time.toISOString()),
      last,
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
    };
  }
}

const unknown = (id: string) => notFound('unknown_schedule', `There is no schedule ${id}.`);
