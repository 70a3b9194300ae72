import type { databaseTask, InputOf, OutputOf } from '@millrace/contracts';
import { notFound } from '@millrace/kernel';
import { CONFIG } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import type { ToolboxConfiguration } from '../config.js';
import { readRows } from './read-rows.js';

const connectTimeoutMs = 5_000;

@Injectable()
export class ReadDatabaseHandler implements OnApplicationShutdown {
  private readonly pools = new Map<string, Pool>();

  constructor(@Inject(CONFIG) private readonly config: ToolboxConfiguration) {}

  /** @throws MillraceError `unknown_source`, and as `readRows` */
  async handle(
    input: InputOf<typeof databaseTask>,
    { tenantId, signal }: Task,
  ): Promise<TaskResultOf<OutputOf<typeof databaseTask>>> {
    return { output: await readRows(this.poolOf(input.source, tenantId), input, signal) };
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.end()));
  }

  /** Opened when it is first read. A source of other tenants is none. */
  private poolOf(name: string, tenantId: string): Pool {
    const source = this.config.sources.get(name);
    if (source === undefined || !(source.tenants.includes('*') || source.tenants.includes(tenantId)))
      throw notFound('unknown_source', `There is no database ${name} for this tenant.`);
    const known = this.pools.get(name);
    if (known) return known;
    const pool = new Pool({
      connectionString: source.url,
      max: this.config.databaseSlots,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: 'millrace-toolbox',
    });
    // A connection that breaks while nobody uses it is made anew by the pool.
    pool.on('error', () => undefined);
    this.pools.set(name, pool);
    return pool;
  }
}
