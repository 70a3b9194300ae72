export { withClient } from '@millrace/servers';
export { GgufWriter } from './gguf/gguf-writer.js';
export { tinyGguf, type TinyGgufOptions } from './gguf/tiny-gguf.js';
export { deferred, type Deferred } from './deferred.js';
export { eventually, type EventuallyOptions } from './eventually.js';
export type { NatsServer, PostgresServer, RedisServer } from '@millrace/servers';
export { startNatsServer, type NatsServerOptions } from './servers/nats.js';
export { startPostgres, type PostgresOptions } from './servers/postgres.js';
export { startTcpProxy, type TcpProxy } from './servers/tcp-proxy.js';
export { startRedis, type RedisServerOptions } from './servers/redis.js';
export {
  backendKinds,
  testBackend,
  testDatabase,
  type BackendKind,
  type MigratedService,
  type TestDatabase,
} from './databases/test-database.js';
export { rowsOf } from './databases/tenant-rows.js';
export { buildWorkspace } from './processes/build-workspace.js';
export { startScript, type ScriptProcess } from './processes/start-script.js';
export {
  breaksOffAfter,
  cutsToolArguments,
  endsEarlyAfter,
  hangs,
  neverEnds,
  refuses,
  repeatsEveryFrame,
  sendsFrames,
  sendsOneLineOf,
  stallsAfter,
} from './providers/bad-behaviours.js';
export {
  answers,
  answersJson,
  answersStatus,
  callsTools,
  drips,
  replays,
  type ScriptedToolCall,
} from './providers/good-behaviours.js';
export { misbehaviours, type Misbehaviour } from './providers/misbehaviours.js';
export { obeys } from './providers/obedient-model.js';
export { startScriptedProvider, type Behaviour, type ScriptedProvider } from './providers/scripted-provider.js';
export { MetricsPage } from './metrics/metrics-page.js';
export {
  startTraceReceiver,
  type ReceivedLink,
  type ReceivedSpan,
  type TraceReceiver,
} from './telemetry/trace-receiver.js';
export { traceTree } from './telemetry/trace-tree.js';
