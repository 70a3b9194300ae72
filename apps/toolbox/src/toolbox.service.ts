import type { ServiceDefinition } from '@millrace/service';
import { Module } from '@nestjs/common';
import { readToolboxConfiguration, type ToolboxConfiguration } from './config.js';
import { subscriptions } from './subscriptions.js';

@Module({ providers: subscriptions.map(({ handler }) => handler) })
class ToolboxModule {}

export const toolboxService: ServiceDefinition<ToolboxConfiguration> = {
  name: 'toolbox',
  config: readToolboxConfiguration,
  module: ToolboxModule,
  subscriptions,
};
