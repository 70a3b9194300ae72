import type { ColumnType, Generated } from 'kysely';

type Immutable<Value> = ColumnType<Value, Value, never>;
type CreatedAt = ColumnType<Date, never, never>;

/** The tables of the research service. Lengths and offsets of text count UTF-16 code units. */
export interface ResearchTables {
  collection: {
    tenant_id: Immutable<string>;
    name: Immutable<string>;
    /** The name in short, for the many rows that refer to it. Never leaves the service. */
    number: ColumnType<number, never, never>;
    description: string;
    /** How many of each it holds; `terms` is the summed length of its chunks. */
    documents: Generated<number>;
    chunks: Generated<number>;
    terms: Generated<number>;
    created_at: CreatedAt;
  };
  document: {
    tenant_id: Immutable<string>;
    id: Immutable<string>;
    number: ColumnType<number, never, never>;
    collection: Immutable<string>;
    source: Immutable<string>;
    title: string;
    media_type: string;
    /** Of the bytes that were given, so that the same bytes need not be read again. */
    content_sha256: string;
    snapshot_sha256: string;
    /** Which version of extraction, chunking and terms made its chunks. */
    index_version: number;
    characters: number;
    chunks: number;
    terms: number;
    created_at: CreatedAt;
  };
  /** The text of a document as it once was, named by its SHA-256. Citations point into it, so it never changes. */
  snapshot: {
    tenant_id: Immutable<string>;
    sha256: Immutable<string>;
    text: Immutable<string>;
    created_at: CreatedAt;
  };
  /** Every snapshot that a document has had. */
  document_snapshot: {
    tenant_id: Immutable<string>;
    document_id: Immutable<string>;
    sha256: Immutable<string>;
    created_at: CreatedAt;
  };
  chunk: {
    tenant_id: Immutable<string>;
    document_number: Immutable<number>;
    ordinal: Immutable<number>;
    start_offset: Immutable<number>;
    end_offset: Immutable<number>;
    headings: Immutable<string[]>;
    text: Immutable<string>;
  };
  /** One term of one chunk. `length` is the chunk's, kept here so that ranking reads nothing else. */
  posting: {
    tenant_id: Immutable<string>;
    collection_number: Immutable<number>;
    term: Immutable<string>;
    document_number: Immutable<number>;
    ordinal: Immutable<number>;
    frequency: Immutable<number>;
    length: Immutable<number>;
  };
}
