import type { ServiceDefinition } from '@millrace/service';
import { type GatewayConfig, readGatewayConfig } from './config.js';
import { GatewayModule } from './gateway.module.js';
import { configureHttp, refuseAddress } from './http-edge.js';
import { migrations } from './schema/migrations.js';
import { subscriptions } from './subscriptions.js';

/** The same value runs alone and inside `millrace`. */
export const gatewayService: ServiceDefinition<GatewayConfig> = {
  name: 'gateway',
  config: readGatewayConfig,
  migrations,
  module: GatewayModule,
  subscriptions,
  http: { port: ({ port }) => port, host: ({ host }) => host, refuse: refuseAddress, configure: configureHttp },
};
