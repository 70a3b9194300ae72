/**
 * The one way to budgets and to the ledger: what many calls hold and settle at once is one statement, and one commit. Their rows
 * would otherwise wait for each other's commits one by one, since all calls of a tenant share its budget.
 *
 * 1. A settlement writes its row, releases its holds and counts its cost, or does nothing at all.
 * 2. In one statement settlements come before holds, so that what they free is there for those.
 * 3. Holds are granted in the order in which they came while all before them fit. One that does not is asked for again, alone:
 *    only what does not fit by itself is refused.
 */
import { Gathering } from '@millrace/database';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderTables } from '../schema/tables.js';
import { type BookEntry, type HoldEntry, keepBook, type SettleEntry } from './account-book.statement.js';

export interface HoldVerdict {
  /** How many budgets bound the call. */
  readonly budgets: number;
  readonly fits: boolean;
}

export interface Settlement {
  /** There was no row of this id. */
  readonly isNew: boolean;
  /** How many of the holds there still were. */
  readonly released: number;
}

type Outcome = HoldVerdict | Settlement;

@Injectable()
export class AccountBook {
  private readonly entries = new Gathering((entries: readonly BookEntry[]) => this.keep(entries));

  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>) {}

  async hold(entry: Omit<HoldEntry, 'kind'>): Promise<HoldVerdict> {
    const verdict = (await this.entries.submit({ ...entry, kind: 'hold' })) as HoldVerdict;
    if (verdict.fits) return verdict;
    const [alone] = await this.write([{ ...entry, kind: 'hold' }]);
    return alone as HoldVerdict;
  }

  async settle(entry: Omit<SettleEntry, 'kind'>): Promise<Settlement> {
    return (await this.entries.submit({ ...entry, kind: 'settle' })) as Settlement;
  }

  private async keep(entries: readonly BookEntry[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const part of withoutRepeats(entries)) outcomes.push(...(await this.write(part)));
    return outcomes;
  }

  private async write(entries: readonly BookEntry[]): Promise<readonly Outcome[]> {
    const { rows } = await this.database.asServiceStatement(() => keepBook(entries));
    const outcomes = new Array<Outcome>(entries.length);
    for (const { entry, budgets, fits, isNew, released } of rows)
      outcomes[entry] = entries[entry]?.kind === 'hold' ? { budgets, fits } : { isNew, released };
    return outcomes;
  }
}

/** Cuts the entries where one touches a row that one before it touched: a statement sees no row twice. */
function withoutRepeats(entries: readonly BookEntry[]): BookEntry[][] {
  const parts: BookEntry[][] = [[]];
  let touched = new Set<string>();
  for (const entry of entries) {
    const rows = rowsOf(entry);
    if (rows.some((row) => touched.has(row))) {
      parts.push([]);
      touched = new Set();
    }
    for (const row of rows) touched.add(row);
    parts.at(-1)?.push(entry);
  }
  return parts;
}

function rowsOf(entry: BookEntry): string[] {
  if (entry.kind === 'hold') return [];
  const holds = entry.holds.map((id) => `hold ${entry.tenantId} ${id}`);
  return entry.row === null ? holds : [`row ${entry.tenantId} ${entry.row.id}`, ...holds];
}
