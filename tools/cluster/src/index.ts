export { startCluster, type Cluster, type ClusterOptions, type Subscriber } from './cluster.js';
export type { ServiceProcess } from './processes/service-process.js';
export type { ClusterNats, ClusterServer, RunningServers } from './servers/servers.js';
export { services, type ServiceKind } from './services.js';
