import type { TaskContract } from '../contract.js';
import { browserTask } from './browser.js';
import { customWorkerTask } from './custom-worker.js';
import { databaseTask } from './database.js';
import { evaluateTask } from './evaluate.js';
import { httpTask } from './http.js';
import { llmTask } from './llm.js';
import { routeTask } from './route.js';
import { searchTask } from './search.js';
import { toolTask } from './tool.js';

/** The task of each node kind that a worker executes, by the kind. */
export const taskContracts = {
  search: searchTask,
  llm: llmTask,
  evaluate: evaluateTask,
  tool: toolTask,
  http: httpTask,
  router: routeTask,
  database: databaseTask,
  browser: browserTask,
  worker: customWorkerTask,
} as const satisfies Readonly<Record<string, TaskContract>>;

export type TaskKind = keyof typeof taskContracts;
