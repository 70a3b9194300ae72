export { startWorker, type RunningWorker, type WorkerOptions } from './start-worker.js';
export type { ExecuteTask, Task, TaskResultOf } from './task.js';
