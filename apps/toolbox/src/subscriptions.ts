import { toolTask } from '@millrace/contracts';
import { defineSubscriptions } from '@millrace/service';
import { CallToolHandler } from './call-tool/call-tool.handler.js';
import type { ToolboxConfiguration } from './config.js';

export const subscriptions = defineSubscriptions([
  { contract: toolTask, handler: CallToolHandler, slots: (config: ToolboxConfiguration) => config.slots },
]);
