import type { Role, Run } from '@millrace/contracts';
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

export interface GatewayTables {
  tenant: TenantTable;
  api_key: ApiKeyTable;
  idempotency_record: IdempotencyRecordTable;
}
