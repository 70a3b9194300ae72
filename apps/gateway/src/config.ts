import {
  type Environment,
  hostList,
  portNumber,
  readConfiguration,
  secretKeys,
  variable,
  wholeNumber,
} from '@millrace/service';
import { z } from 'zod';

const mebibyte = 1024 * 1024;

const variables = {
  host: variable('MILLRACE_HTTP_HOST', z.string().default('127.0.0.1'), '0.0.0.0'),
  port: variable('MILLRACE_HTTP_PORT', portNumber().default(8080), '8080'),
  redisUrl: variable('MILLRACE_REDIS_URL', z.url({ protocol: /^rediss?$/ }).optional(), 'redis://127.0.0.1:6379'),
  /** Largest uploaded file, in bytes. */
  uploadFileBytes: variable(
    'MILLRACE_UPLOAD_FILE_BYTES',
    wholeNumber({ min: 1, max: 45 * mebibyte }).default(20 * mebibyte),
    '20971520',
  ),
  uploadFiles: variable('MILLRACE_UPLOAD_FILES', wholeNumber({ min: 1, max: 1_000 }).default(100), '100'),
  /** Requests that are worked on at once; more get 503 with Retry-After. Open streams and waits do not count. */
  maxInFlight: variable('MILLRACE_HTTP_MAX_IN_FLIGHT', wholeNumber({ min: 1, max: 100_000 }).default(1_000), '1000'),
  /** Open streams and waits of one tenant in this process; more get 429. */
  maxStreams: variable('MILLRACE_HTTP_MAX_STREAMS', wholeNumber({ min: 1, max: 100_000 }).default(200), '200'),
  /** How long a request may take to arrive whole, in milliseconds. */
  requestTimeoutMs: variable(
    'MILLRACE_HTTP_REQUEST_TIMEOUT_MS',
    wholeNumber({ min: 100, max: 3_600_000 }).default(120_000),
    '120000',
  ),
  /** How long a reader of a stream may take nothing before it is cut, in milliseconds. */
  streamStallMs: variable('MILLRACE_STREAM_STALL_MS', wholeNumber({ min: 100, max: 600_000 }).default(30_000), '30000'),
  /** How often a stream looks into the stored events by itself, in case a hint was lost, in milliseconds. */
  streamPollMs: variable('MILLRACE_STREAM_POLL_MS', wholeNumber({ min: 50, max: 600_000 }).default(5_000), '5000'),
  /** How often a stream on which nothing happens says that it is alive, in milliseconds. */
  streamHeartbeatMs: variable(
    'MILLRACE_STREAM_HEARTBEAT_MS',
    wholeNumber({ min: 50, max: 600_000 }).default(15_000),
    '15000',
  ),
  /** How long a start with an Idempotency-Key is believed to be in flight before another request takes it over. */
  idempotencyLeaseMs: variable(
    'MILLRACE_IDEMPOTENCY_LEASE_MS',
    wholeNumber({ min: 10, max: 600_000 }).default(20_000),
    '20000',
  ),
  /** For how many days a response is kept after it was made or last continued. */
  responseKeepDays: variable('MILLRACE_RESPONSE_KEEP_DAYS', wholeNumber({ min: 1, max: 3_650 }).default(30), '30'),
  /** Responses that are kept for one tenant, and bytes of them; beyond that those go first that expire first. */
  responsesPerTenant: variable(
    'MILLRACE_RESPONSES_PER_TENANT',
    wholeNumber({ min: 1, max: 10_000_000 }).default(100_000),
    '100000',
  ),
  responseBytesPerTenant: variable(
    'MILLRACE_RESPONSE_BYTES_PER_TENANT',
    wholeNumber({ min: 1, max: 1024 * 1024 * mebibyte }).default(1024 * mebibyte),
    '1073741824',
  ),
  /** What encrypts the secrets of webhooks: the first one does, the others still decrypt. */
  secretKeys: variable('MILLRACE_GATEWAY_SECRET_KEYS', secretKeys().default([]), 'ID:KEY, 32 random bytes in base64'),
  /** Hosts that webhooks may be at though they are not on the public Internet, or have no https. */
  webhookHosts: variable('MILLRACE_WEBHOOK_ALLOW', hostList(), 'hooks.internal:8080,127.0.0.1:9000'),
  /** Deliveries that are under way at once in this process. */
  webhookSlots: variable('MILLRACE_WEBHOOK_SLOTS', wholeNumber({ min: 1, max: 1_000 }).default(32), '32'),
  /** How long an endpoint may take to answer, in milliseconds. */
  webhookTimeoutMs: variable(
    'MILLRACE_WEBHOOK_TIMEOUT_MS',
    wholeNumber({ min: 50, max: 120_000 }).default(15_000),
    '15000',
  ),
  /** How often a delivery is tried before it is parked. */
  webhookAttempts: variable('MILLRACE_WEBHOOK_ATTEMPTS', wholeNumber({ min: 1, max: 50 }).default(15), '15'),
  /** The bound of the first wait between attempts, which doubles up to the longest, in milliseconds. */
  webhookRetryMs: variable('MILLRACE_WEBHOOK_RETRY_MS', wholeNumber({ min: 1, max: 3_600_000 }).default(5_000), '5000'),
  webhookLongestRetryMs: variable(
    'MILLRACE_WEBHOOK_LONGEST_RETRY_MS',
    wholeNumber({ min: 1, max: 86_400_000 }).default(14_400_000),
    '14400000',
  ),
  /** After how long without one success a webhook is disabled, in milliseconds. */
  webhookDisableAfterMs: variable(
    'MILLRACE_WEBHOOK_DISABLE_AFTER_MS',
    wholeNumber({ min: 1, max: 2_592_000_000 }).default(259_200_000),
    '259200000',
  ),
  /** Deliveries that may wait for one webhook; with more it is disabled. */
  webhookBacklog: variable(
    'MILLRACE_WEBHOOK_BACKLOG',
    wholeNumber({ min: 1, max: 1_000_000 }).default(10_000),
    '10000',
  ),
  /** For how many days deliveries that are over are kept. */
  webhookKeepDays: variable('MILLRACE_WEBHOOK_KEEP_DAYS', wholeNumber({ min: 1, max: 365 }).default(14), '14'),
  /** For how long a replica that reads a tenant's events is believed to be alive, in milliseconds. */
  webhookLeaseMs: variable(
    'MILLRACE_WEBHOOK_LEASE_MS',
    wholeNumber({ min: 100, max: 600_000 }).default(15_000),
    '15000',
  ),
};

/** The only reader of this service's environment. */
export const readGatewayConfig = (environment: Environment) => readConfiguration(environment, variables);
export type GatewayConfig = ReturnType<typeof readGatewayConfig>;
