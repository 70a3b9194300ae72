/** Rows by path. A draft is laid over a table to try changes out without making them. */
export interface Table<Row> {
  get(path: string): Row | undefined;
  set(path: string, row: Row): void;
  /** The row for changing it in place; a draft copies it first. */
  edit(path: string): Row | undefined;
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

  entries(): Iterable<[string, Row]> {
    return this.rows;
  }
}

class DraftTable<Row> implements Table<Row> {
  readonly changed = new Map<string, Row>();

  constructor(
    readonly table: Table<Row>,
    readonly copy: (row: Row) => Row,
  ) {}

  get(path: string): Row | undefined {
    return this.changed.get(path) ?? this.table.get(path);
  }

  set(path: string, row: Row): void {
    this.changed.set(path, row);
  }

  edit(path: string): Row | undefined {
    const changed = this.changed.get(path);
    if (changed !== undefined) return changed;
    const stored = this.table.get(path);
    if (stored === undefined) return undefined;
    const copied = this.copy(stored);
    this.changed.set(path, copied);
    return copied;
  }

  *entries(): Iterable<[string, Row]> {
    for (const [path, row] of this.table.entries()) yield [path, this.changed.get(path) ?? row];
    for (const [path, row] of this.changed) if (this.table.get(path) === undefined) yield [path, row];
  }
}
