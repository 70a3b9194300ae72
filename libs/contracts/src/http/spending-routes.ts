import { z } from 'zod';
import { budgetSchema, newBudgetSchema, usageQuerySchema, usageRowSchema } from '../llm-provider/spending.js';
import { defineRoute } from './route.js';

const tag = 'spending';
const budgets = z.object({ items: z.array(budgetSchema) });

export const spendingRoutes = {
  readUsage: defineRoute({
    name: 'readUsage',
    tag,
    method: 'GET',
    path: '/v1/usage',
    summary:
      'Completions by day, model and key, with tokens and cost: at most 366 days, the last 30 unless said otherwise.',
    role: 'viewer',
    query: usageQuerySchema,
    responses: { 200: { description: 'Newest days first.', schema: z.object({ items: z.array(usageRowSchema) }) } },
  }),
  listBudgets: defineRoute({
    name: 'listBudgets',
    tag,
    method: 'GET',
    path: '/v1/budgets',
    summary: 'What may be spent on models in this month, and what is spent and held of it.',
    role: 'viewer',
    responses: { 200: { description: "The tenant's first, then those of its keys.", schema: budgets } },
  }),
  setBudget: defineRoute({
    name: 'setBudget',
    tag,
    method: 'POST',
    path: '/v1/budgets',
    summary: 'Bounds what the tenant, or one of its keys, may spend on models in a month.',
    role: 'admin',
    body: { kind: 'json', schema: newBudgetSchema },
    responses: { 200: { description: 'All budgets as they are now.', schema: budgets } },
  }),
};
