import type { Role, Run, WebhookDeliveryState, WebhookDisabledReason } from '@millrace/contracts';
import type { ColumnType, Generated, RawBuilder } from 'kysely';

type Timestamp = ColumnType<Date, Date | string, Date | string>;

/** Whoever shares an installation: every row of every service belongs to one. */
interface TenantTable {
  tenant_id: string;
  created_at: Generated<Date>;
}

interface ApiKeyTable {
  tenant_id: string;
  id: string;
  name: string;
  role: Role;
  /** SHA-256 of the whole key, in hexadecimal; the key itself is nowhere. */
  secret_sha256: string;
  created_at: Timestamp;
  last_used_at: Timestamp | null;
  revoked_at: Timestamp | null;
}

/** A request that must happen once: who asked, for what (a hash), and which run it became. */
interface IdempotencyRecordTable {
  tenant_id: string;
  key: string;
  body_sha256: string;
  run_id: string;
  /** The answer to give again; null while the request is in flight. */
  response: ColumnType<Run | null, RawBuilder<Run> | null, RawBuilder<Run> | null>;
  /** Until when the request in flight is believed to be alive; after that another may take it over. */
  leased_until: Timestamp;
  created_at: Timestamp;
}

interface WebhookTable {
  tenant_id: string;
  id: string;
  url: string;
  events: ColumnType<string[], RawBuilder<readonly string[]>, RawBuilder<readonly string[]>>;
  description: string;
  enabled: boolean;
  disabled_reason: WebhookDisabledReason | null;
  /** Since when every attempt has failed. */
  failing_since: Timestamp | null;
  secret_key_id: string;
  sealed_secret: string;
  previous_secret_key_id: string | null;
  previous_sealed_secret: string | null;
  previous_until: Timestamp | null;
  /** The place in the stream of events behind which it began. */
  stream: string;
  after_sequence: number;
  created_at: Timestamp;
  updated_at: Timestamp;
}

interface WebhookDeliveryTable {
  tenant_id: string;
  id: string;
  webhook_id: string;
  event_source: string;
  event_id: string;
  event_type: string;
  /** What is sent, to the letter: it is signed. */
  body: string;
  /** The trace to which the event belongs; null where it came without one. */
  traceparent: Generated<string | null>;
  state: WebhookDeliveryState;
  attempts: number;
  /** When it may be claimed; null where it may not. */
  due_at: Timestamp | null;
  /** Until when an attempt is believed to be under way. */
  leased_until: Timestamp | null;
  last_status: number | null;
  last_error: string | null;
  created_at: Timestamp;
  delivered_at: Timestamp | null;
}

/** How far the events of a tenant have become deliveries, and which replica reads on. */
interface WebhookFeedTable {
  tenant_id: string;
  stream: string;
  after_sequence: number;
  leased_by: string;
  leased_until: Timestamp;
}

/** A response that is kept, without its output, which is among its items. */
interface StoredResponseTable {
  tenant_id: string;
  id: string;
  /** The response that it continues. */
  previous_id: string | null;
  /** As JSON. */
  document: string;
  bytes: number;
  /** Of the conversation up to here: responses, items, and bytes of JSON. */
  chain_length: number;
  chain_items: number;
  chain_bytes: number;
  created_at: Generated<Date>;
  expires_at: Timestamp;
}

interface StoredResponseItemTable {
  tenant_id: string;
  response_id: string;
  position: number;
  id: string;
  is_output: boolean;
  /** As JSON. */
  item: string;
}

export interface GatewayTables {
  tenant: TenantTable;
  api_key: ApiKeyTable;
  idempotency_record: IdempotencyRecordTable;
  webhook: WebhookTable;
  webhook_delivery: WebhookDeliveryTable;
  webhook_feed: WebhookFeedTable;
  stored_response: StoredResponseTable;
  stored_response_item: StoredResponseItemTable;
}
