/** The environment of each process: everything that waits, waits for seconds instead of minutes. */
import type { ServiceName } from '../faults/catalogue.js';

export const withoutTables: ReadonlySet<ServiceName> = new Set<ServiceName>(['toolbox']);
/** How long a drain may take, in milliseconds. */
export const graceMs = 6_000;

export function settingsOf(
  replica: string,
  urls: { readonly nats: string; readonly redis: string; readonly provider: string; readonly database?: string },
  ports: { readonly http: number; readonly health: number },
): Record<string, string> {
  return {
    MILLRACE_NATS_URL: urls.nats,
    ...(urls.database !== undefined && { MILLRACE_DATABASE_URL: urls.database }),
    MILLRACE_DATABASE_CONNECTIONS: '5',
    MILLRACE_REDIS_URL: urls.redis,
    MILLRACE_HTTP_HOST: '127.0.0.1',
    MILLRACE_HTTP_PORT: String(ports.http),
    MILLRACE_HEALTH_HOST: '127.0.0.1',
    MILLRACE_HEALTH_PORT: String(ports.health),
    MILLRACE_LOG_FORMAT: 'json',
    MILLRACE_LOG_LEVEL: 'info',
    MILLRACE_DRAIN_GRACE_MS: String(graceMs),
    MILLRACE_ORCHESTRATOR_REPLICA: replica,
    MILLRACE_ORCHESTRATOR_LEASE_MS: '2000',
    MILLRACE_ORCHESTRATOR_RECONCILE_AFTER_MS: '1500',
    MILLRACE_ORCHESTRATOR_TIMER_POLL_MS: '200',
    MILLRACE_IDEMPOTENCY_LEASE_MS: '3000',
    MILLRACE_STREAM_POLL_MS: '1000',
    MILLRACE_LLM_BASE_URL: urls.provider,
    MILLRACE_LLM_MODEL: 'scripted',
    MILLRACE_LLM_FIRST_TOKEN_TIMEOUT_MS: '1500',
    MILLRACE_LLM_IDLE_TIMEOUT_MS: '1500',
    MILLRACE_LLM_TOTAL_TIMEOUT_MS: '4000',
    MILLRACE_LLM_MAX_TOKENS: '200',
  };
}
