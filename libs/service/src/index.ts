export * from './service-definition.js';
export {
  flag,
  portNumber,
  readConfiguration,
  variable,
  hostList,
  wholeNumber,
  type Variable,
} from './configuration/read-configuration.js';
export { SecretBox, type SealedSecret, type SecretKey } from './secrets/secret-box.js';
export { secretKeys } from './secrets/secret-keys.js';
export {
  defineSubscriptions,
  type CommandHandler,
  type CommandMessage,
  type EventHandler,
  type EventMessage,
  type MessageOf,
  type TaskHandler,
} from './subscriptions.js';
export { startService, type RunningService, type ServiceHost } from './running/start-service.js';
export { serveHealth, type HealthServer } from './running/health-server.js';
export { logFileOf } from './running/log-file-of.js';
export { runService } from './running/run-service.js';
export { invalidArguments, type OperatorAnswer, type OperatorTask } from './running/operator-task.js';
