/** What a trial sets in the environment of each process: everything that waits, waits for seconds instead of minutes. */

/** How long a drain may take, in milliseconds. */
export const graceMs = 6_000;

export const settingsOf = (providerUrl: string): Record<string, string> => ({
  MILLRACE_DATABASE_CONNECTIONS: '5',
  MILLRACE_LOG_LEVEL: 'info',
  MILLRACE_DRAIN_GRACE_MS: String(graceMs),
  MILLRACE_ORCHESTRATOR_LEASE_MS: '2000',
  MILLRACE_ORCHESTRATOR_RECONCILE_AFTER_MS: '1500',
  MILLRACE_ORCHESTRATOR_TIMER_POLL_MS: '200',
  MILLRACE_IDEMPOTENCY_LEASE_MS: '3000',
  MILLRACE_STREAM_POLL_MS: '1000',
  MILLRACE_LLM_BASE_URL: providerUrl,
  MILLRACE_LLM_MODEL: 'scripted',
  MILLRACE_LLM_FIRST_TOKEN_TIMEOUT_MS: '1500',
  MILLRACE_LLM_IDLE_TIMEOUT_MS: '1500',
  MILLRACE_LLM_TOTAL_TIMEOUT_MS: '4000',
  MILLRACE_LLM_MAX_TOKENS: '200',
});
