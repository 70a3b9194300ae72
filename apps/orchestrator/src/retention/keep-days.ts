/** For how long runs are kept after their end. */
import { z } from 'zod';

export interface RetentionPolicy {
  /** Null: for ever. */
  readonly days: number | null;
  /** What holds for single tenants in its place. */
  readonly ofTenants: ReadonlyMap<string, number>;
}

const entry = /^([a-z0-9][a-z0-9_-]{0,62})=(\d{1,5})$/;
const mostDays = 36_500;

/** `acme=30,globex=365`. */
export const daysOfTenants = () =>
  z
    .string()
    .max(100_000)
    .transform((text, context) => {
      const days = new Map<string, number>();
      for (const each of text.split(',')) {
        const [, tenant, count] = entry.exec(each.trim()) ?? [];
        const isRight = tenant !== undefined && Number(count) >= 1 && Number(count) <= mostDays && !days.has(tenant);
        if (!isRight) {
          context.addIssue({ code: 'custom', message: 'must be TENANT=DAYS, each tenant once, divided by commas' });
          return z.NEVER;
        }
        days.set(tenant, Number(count));
      }
      return days;
    });
