import { migrateRun, routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type MigrateRun = typeof routes.migrateRun;

@Endpoint(routes.migrateRun)
export class MigrateRunEndpoint implements Serves<MigrateRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, body, context }: RouteRequest<MigrateRun>): Promise<RouteReply<MigrateRun>> {
    const migration = { runId: params.id, version: body.version };
    return { status: 200, body: await this.commands.send(migrateRun, context, migration) };
  }
}
