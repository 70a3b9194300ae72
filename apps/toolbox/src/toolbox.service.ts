import type { ServiceDefinition } from '@millrace/service';
import { Module } from '@nestjs/common';
import { CallToolHandler } from './call-tool/call-tool.handler.js';
import { readToolboxConfiguration, type ToolboxConfiguration } from './config.js';
import { subscriptions } from './subscriptions.js';

@Module({ providers: [CallToolHandler] })
class ToolboxModule {}

export const toolboxService: ServiceDefinition<ToolboxConfiguration> = {
  name: 'toolbox',
  config: readToolboxConfiguration,
  module: ToolboxModule,
  subscriptions,
};
