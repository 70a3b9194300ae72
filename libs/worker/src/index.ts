export { startCustomWorker, type CustomWorkerOptions } from './start-custom-worker.js';
export { startWorker, type RunningWorker, type WorkerOptions } from './start-worker.js';
export type { ExecuteTask, Task, TaskResultOf } from './task.js';
