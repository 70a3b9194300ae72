import type { ProviderKind } from '@millrace/contracts';
import type { ColumnType, Generated } from 'kysely';

/** `repeated`: another delivery of the task was first, and its answer stands. `lost`: its process is gone, or cannot say. */
export type LedgerOutcome = 'completed' | 'failed' | 'lost' | 'repeated';

/** The tables of the llm-provider service. */
export interface LlmProviderTables {
  /** The ledger: one row per task, written before its result is sent, and one for each other attempt that cost something. */
  completion: {
    tenant_id: string;
    /** Of an attempt that did not complete its task: an id of its own. */
    task_id: string;
    run_id: string;
    node: string;
    /** As results name it, e.g. `extractive`. */
    model: string;
    /** The prompt's id; null for plain messages. */
    prompt: string | null;
    /** The whole answer of the task. */
    output: ColumnType<unknown, string, never>;
    prompt_tokens: number;
    completion_tokens: number;
    /** The key that made the call; null for tasks of runs. */
    key_id: Generated<string | null>;
    cached_prompt_tokens: Generated<number>;
    cost_usd: number;
    outcome: Generated<LedgerOutcome>;
    created_at: Generated<Date>;
  };
  /** A tenant's own providers of models. */
  provider: {
    tenant_id: string;
    name: string;
    kind: ProviderKind;
    base_url: string;
    models: ColumnType<string[], string, string>;
    concurrency: number;
    /** Which key of the configuration encrypted the provider's own, and what came of it; null where there is none. */
    secret_key_id: string | null;
    sealed_api_key: string | null;
    /** Another one after each change. */
    revision: string;
    updated_at: ColumnType<Date, Date, Date>;
  };
  /** What a target of a route was asked in the newest minute, over all tenants and processes. */
  target_window: { model: string; minute: Date; requests: number; tokens: number };
  /** A tenant's own routes. */
  model_route: {
    tenant_id: string;
    name: string;
    document: ColumnType<unknown, string, string>;
    revision: string;
    updated_at: ColumnType<Date, Date, Date>;
  };
  /** What models of a tenant's own providers cost, in US dollars for a million tokens. `first_day` is empty for always. */
  model_price: {
    tenant_id: string;
    model: string;
    first_day: string;
    input_usd: number;
    cached_input_usd: number | null;
    output_usd: number;
  };
  /** Who has a slot of a target, over all tenants and processes: ids with the moment (Unix, ms) at which each ends. */
  target_slot: { target: string; holders: unknown };
  /** Money in billionths of a dollar. */
  budget: {
    tenant_id: string;
    /** Empty for the budget of the whole tenant. */
    key_id: string;
    limit_nano: number;
    /** What `spent_nano` is of: `2026-11`. */
    month: string;
    spent_nano: number;
    reserved_nano: number;
  };
  /** Held for a call that is being made. */
  budget_hold: {
    tenant_id: string;
    id: string;
    key_id: string | null;
    amount_nano: number;
    expires_at: Date;
    /** What it is held for: a task, or a call from outside. */
    call_id: Generated<string>;
    run_id: Generated<string>;
    node: Generated<string>;
    model: Generated<string>;
  };
}
