import { databaseTask, httpTask, toolTask } from '@millrace/contracts';
import { defineSubscriptions } from '@millrace/service';
import { CallToolHandler } from './call-tool/call-tool.handler.js';
import type { ToolboxConfiguration } from './config.js';
import { ReadDatabaseHandler } from './database/read-database.handler.js';
import { SendRequestHandler } from './http/send-request.handler.js';

export const subscriptions = defineSubscriptions([
  { contract: toolTask, handler: CallToolHandler, slots: (config: ToolboxConfiguration) => config.slots },
  { contract: httpTask, handler: SendRequestHandler, slots: (config: ToolboxConfiguration) => config.httpSlots },
  {
    contract: databaseTask,
    handler: ReadDatabaseHandler,
    slots: (config: ToolboxConfiguration) => config.databaseSlots,
  },
]);
