import { z } from 'zod';
import { defineCommand } from '../contract.js';

const usdSchema = z.number().min(0).max(1_000_000);
const keyIdSchema = z.string().regex(/^[0-9A-Za-z]{1,40}$/, 'must be the id of a key');

/** What a tenant, or one of its keys, may spend on models in a month (UTC). */
export const newBudgetSchema = z.strictObject({
  /** The key whose spending is bounded; absent: all of the tenant's. */
  key: keyIdSchema.optional(),
  /** Null takes the bound away. */
  usdPerMonth: usdSchema.nullable(),
});
export type NewBudget = z.infer<typeof newBudgetSchema>;

export const budgetSchema = z.object({
  key: z.string().nullable(),
  usdPerMonth: usdSchema,
  /** Of this month. With `reservedUsd` never more than `usdPerMonth`. */
  spentUsd: z.number(),
  /** Held for calls that are being made. */
  reservedUsd: z.number(),
});
export type Budget = z.infer<typeof budgetSchema>;

export const usageRowSchema = z.object({
  /** UTC. */
  day: z.iso.date(),
  model: z.string(),
  /** Whose call it was; null for tasks of runs. */
  key: z.string().nullable(),
  completions: z.int(),
  /** Attempts that cost something and whose answer does not stand: broken off, lost with their process, or a second delivery's. */
  otherAttempts: z.int().default(0),
  promptTokens: z.int(),
  cachedPromptTokens: z.int(),
  completionTokens: z.int(),
  costUsd: z.number(),
});
export type UsageRow = z.infer<typeof usageRowSchema>;

export const usageQuerySchema = z.strictObject({
  /** First day, UTC; absent: 30 days before `to`. */
  from: z.iso.date().optional(),
  /** Last day, UTC; absent: today. */
  to: z.iso.date().optional(),
  model: z.string().min(1).max(300).optional(),
  key: keyIdSchema.optional(),
});

const owner = 'llm-provider';

/** Refuses with `too_many_budgets`. */
export const setBudget = defineCommand({
  owner,
  entity: 'budget',
  action: 'set',
  version: 1,
  summary: 'Bounds what a tenant, or one of its keys, may spend in a month.',
  request: newBudgetSchema,
  response: z.object({ items: z.array(budgetSchema) }),
});

export const listBudgets = defineCommand({
  owner,
  entity: 'budget',
  action: 'list',
  version: 1,
  summary: "The tenant's budgets, with what is spent and held of them.",
  request: z.strictObject({}),
  response: z.object({ items: z.array(budgetSchema) }),
});

/** Refuses with `invalid_period`: more than 366 days, or none. */
export const readUsage = defineCommand({
  owner,
  entity: 'usage',
  action: 'read',
  version: 1,
  summary: 'Completions by day, model and key, with tokens and cost.',
  request: usageQuerySchema,
  response: z.object({ items: z.array(usageRowSchema) }),
});
