import { BUS, CLOCK, CONFIG, DATABASE, LOGGER } from '@millrace/service';
import { Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@millrace/database';
import { GraphAliases } from './graph/graph-aliases.js';
import { readShippedGraphs } from './graph/shipped-graphs.js';
import { Orchestrator, type OrchestratorPlatform } from './orchestrator.js';
import { storesIn } from './schema/stores.js';
import type { OrchestratorTables } from './schema/tables.js';
import { subscriptions } from './subscriptions.js';

type Parts = OrchestratorPlatform;

/** Starts the orchestrator before its inbox is bound, and stops it after the inbox has ended what it had. */
@Injectable()
class OrchestratorLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly orchestrator: Orchestrator) {}

  onApplicationBootstrap(): Promise<void> {
    return this.orchestrator.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.orchestrator.stop();
  }
}

@Module({
  providers: [
    {
      provide: Orchestrator,
      inject: [DATABASE, BUS, CONFIG, CLOCK, LOGGER],
      useFactory: async (
        database: Database<OrchestratorTables>,
        bus: Parts['bus'],
        config: Parts['config'],
        clock: Parts['clock'],
        logger: Parts['logger'],
      ) => {
        const shippedGraphs = await readShippedGraphs();
        return new Orchestrator({ stores: storesIn(database), bus, config, clock, logger, shippedGraphs });
      },
    },
    OrchestratorLifecycle,
    GraphAliases,
    ...subscriptions.map((subscription) => subscription.handler),
  ],
})
export class OrchestratorModule {}
