/** The environment of each service's process: all that it needs, and the secrets of no other service. */
import type { ServiceName } from '@millrace/messaging';

export interface ServiceAddresses {
  readonly nats: { readonly url: string; readonly user: string | undefined; readonly password: string | undefined };
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly httpPort: number | undefined;
  readonly healthPort: number;
}

/** Whose variables begin like this, in the environment of whoever starts everything. */
const ownVariables: Readonly<Record<string, ServiceName>> = {
  MILLRACE_LLM_: 'llm-provider',
  MILLRACE_GGUF: 'llm-provider',
  MILLRACE_RESEARCH_: 'research',
  MILLRACE_EVALUATION_: 'evaluation',
  MILLRACE_TOOLBOX_: 'toolbox',
  MILLRACE_ORCHESTRATOR_: 'orchestrator',
};

/** Variables that would send a service somewhere else than the cluster says. */
const replaced =
  /^MILLRACE_(NATS_(URL|USER|PASSWORD|TOKEN)|DATABASE_(URL|MIGRATE|MIGRATION_URL)|REDIS_URL|HTTP_PORT|HEALTH_|TEST_|API_KEY)/;

export function serviceEnvironment(
  service: ServiceName,
  replica: number,
  addresses: ServiceAddresses,
  inherited: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const { nats, databaseUrl, redisUrl, httpPort, healthPort } = addresses;
  const mine = Object.entries(inherited).filter(([name]) => !replaced.test(name) && belongsTo(service, name));
  return {
    ...Object.fromEntries(mine),
    NODE_ENV: 'production',
    MILLRACE_NATS_URL: nats.url,
    MILLRACE_NATS_USER: nats.user,
    MILLRACE_NATS_PASSWORD: nats.password,
    MILLRACE_DATABASE_URL: databaseUrl,
    MILLRACE_DATABASE_MIGRATE: 'never',
    MILLRACE_REDIS_URL: redisUrl,
    MILLRACE_HTTP_PORT: httpPort === undefined ? undefined : String(httpPort),
    MILLRACE_HEALTH_HOST: '127.0.0.1',
    MILLRACE_HEALTH_PORT: String(healthPort),
    MILLRACE_LOG_FORMAT: 'json',
    // With a name of its own a replica that crashed takes its partitions back at once.
    ...(service === 'orchestrator' && { MILLRACE_ORCHESTRATOR_REPLICA: `orchestrator-${replica}` }),
  };
}

function belongsTo(service: ServiceName, variable: string): boolean {
  const owner = Object.entries(ownVariables).find(([prefix]) => variable.startsWith(prefix))?.[1];
  return owner === undefined || owner === service;
}
