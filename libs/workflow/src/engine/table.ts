/** Rows by path. A draft is laid over a table to try changes out without making them. */
export interface Table<Row> {
  get(path: string): Row | undefined;
  set(path: string, row: Row): void;
  /** The row for changing it in place; a draft copies it first. */
  edit(path: string): Row | undefined;
  delete(path: string): void;
  /** In the order in which they were first set. */
  entries(): Iterable<[string, Row]>;
}

export const storedTable = <Row>(): Table<Row> => new StoredTable();

export const draftOf = <Row>(table: Table<Row>, copy: (row: Row) => Row): Table<Row> => new DraftTable(table, copy);

class StoredTable<Row> implements Table<Row> {
  readonly rows = new Map<string, Row>();

  get(path: string): Row | undefined {
    return this.rows.get(path);
  }

  set(path: string, row: Row): void {
    this.rows.set(path, row);
  }

  edit(path: string): Row | undefined {
    return this.rows.get(path);
  }

  delete(path: string): void {
    this.rows.delete(path);
  }

  entries(): Iterable<[string, Row]> {
    return this.rows;
  }
}

class DraftTable<Row> implements Table<Row> {
  readonly changed = new Map<string, Row>();
  /** Rows of the table below that were deleted here, whatever was set since; null until there is one. */
  deleted: Set<string> | null = null;

  constructor(
    readonly table: Table<Row>,
    readonly copy: (row: Row) => Row,
  ) {}

  get(path: string): Row | undefined {
    return this.changed.get(path) ?? this.stored(path);
  }

  set(path: string, row: Row): void {
    this.changed.set(path, row);
  }

  edit(path: string): Row | undefined {
    const changed = this.changed.get(path);
    if (changed !== undefined) return changed;
    const stored = this.stored(path);
    if (stored === undefined) return undefined;
    const copied = this.copy(stored);
    this.changed.set(path, copied);
    return copied;
  }

  delete(path: string): void {
    this.changed.delete(path);
    this.deleted ??= new Set();
    this.deleted.add(path);
  }

  *entries(): Iterable<[string, Row]> {
    for (const [path, row] of this.table.entries()) {
      if (this.deleted?.has(path) !== true) yield [path, this.changed.get(path) ?? row];
    }
    for (const [path, row] of this.changed) if (this.stored(path) === undefined) yield [path, row];
  }

  private stored(path: string): Row | undefined {
    return this.deleted?.has(path) === true ? undefined : this.table.get(path);
  }
}
