/** Values that the chart must refuse, and what the refusal must say. */

/** @type {{ values: object, says: RegExp }[]} */
export const refusedValues = [
  { values: { replicaCount: 3 }, says: /replicaCount/ },
  { values: { services: { gatway: {} } }, says: /gatway/ },
  { values: { services: { gateway: { replica: 2 } } }, says: /replica/ },
  { values: { services: { toolbox: { databaseUrl: 'postgres://a@b/c' } } }, says: /databaseUrl/ },
  { values: { image: { tag: 'latest' } }, says: /image\/tag|image\.tag/ },
  { values: { image: { pullPolicy: 'Sometimes' } }, says: /pullPolicy/ },
  { values: { services: { gateway: { imageDigest: 'sha256:short' } } }, says: /imageDigest/ },
  { values: { trial: { redis: { image: 'redis:latest' } } }, says: /redis\/image|redis\.image/ },
  { values: { nats: { url: 'nats://me:secret@host:4222' } }, says: /nats\/url|nats\.url/ },
  { values: { nats: { replicas: 2 } }, says: /replicas/ },
  { values: { defaults: { env: { MILLRACE_LLM_API_KEY: 'plain' } } }, says: /env|API_KEY/ },
  { values: { defaults: { env: { MILLRACE_DATABASE_URL: 'postgres://a:b@c/d' } } }, says: /env|DATABASE_URL/ },
  { values: { defaults: { autoscaling: { mode: 'magic' } } }, says: /mode/ },
  { values: { defaults: { autoscaling: { mode: 'keda' } } }, says: /nats\.monitoringEndpoint is needed/ },
  { values: { defaults: { replicas: 0 } }, says: /replicas/ },
  { values: { defaults: { resources: { limits: { memory: 'lots' } } } }, says: /memory/ },
  { values: { drain: { graceSeconds: -1 } }, says: /graceSeconds/ },
  { values: { podSecurityContext: { runAsUser: 0 } }, says: /runAsUser/ },
  { values: { podSecurityContext: { privileged: true } }, says: /privileged/ },
  { values: { ingress: { enabled: true } }, says: /ingress\.host is needed/ },
  { values: { httpRoute: { enabled: true } }, says: /parentRefs/ },
  { values: { networkPolicies: { nats: { ports: [0] } } }, says: /ports/ },
  { values: { nats: { url: '' } }, says: /nats\.url is needed/ },
];
