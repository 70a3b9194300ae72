export { findProgram } from './find-program.js';
export { freePort, requireFreePort } from './free-port.js';
export { guard, guardShared } from './guard.js';
export type { ManagedServer, ServerPlace } from './local-server.js';
export { describeExit, startLogged, type ExitInfo, type LoggedProcess } from './logged-process.js';
export { launchNats, type NatsServer } from './nats.js';
export { databasesOf, launchPostgres, withClient, type PostgresServer } from './postgres.js';
export { launchRedis, type RedisServer } from './redis.js';
