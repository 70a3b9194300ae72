/** A database as somebody may have one beside Millrace, and the file that lets graphs read it. */
import { startPostgres, type PostgresServer } from '@millrace/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';

export class ShopDatabase {
  private readonly folder = mkdtempSync(join(tmpdir(), 'millrace-shop-'));
  private server: PostgresServer | undefined;

  /** Gives the settings of the services that may read it. */
  async start(): Promise<Readonly<Record<string, string>>> {
    this.server = await startPostgres();
    const url = await this.server.createDatabase(`shop_${process.pid}`);
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query('create table orders (customer text, total numeric)');
    await client.query("insert into orders values ('Ada', 10), ('Ada', 9.5), ('Grace', 7)");
    await client.end();
    const file = join(this.folder, 'databases.json');
    writeFileSync(file, JSON.stringify({ shop: { urlVariable: 'SHOP_DATABASE_URL', tenants: ['acme'] } }));
    return { MILLRACE_TOOLBOX_DATABASES_FILE: file, SHOP_DATABASE_URL: url };
  }

  async stop(): Promise<void> {
    await this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
