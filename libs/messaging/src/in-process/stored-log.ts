/** One stream in memory: numbered messages, bounded, deduplicated by id, oldest first. Pure but for its own state. */
import { MillraceError } from '@millrace/kernel';
import type { PublishReceipt } from '../bus.js';
import { matchesSubject } from '../subject.js';
import type { StreamDefinition } from '../topology.js';
import type { RawMessage, StoredRawMessage } from '../transport.js';

interface Entry extends StoredRawMessage {
  readonly storedAt: number;
  readonly bytes: number;
}

/** What a message takes beside its payload; the same order of magnitude as on a server. */
const overheadBytes = 100;

export class StoredLog {
  /** `entries[sequence - first]`, with holes where messages went. */
  private entries: (Entry | undefined)[] = [];
  private first = 1;
  /** Index of the oldest message: what lies before it has gone and waits to be cut off. */
  private head = 0;
  private live = 0;
  private bytes = 0;
  /** Sequences per subject, so that following one of many subjects does not read the others. */
  private readonly bySubject = new Map<string, number[]>();
  private readonly recentIds = new Map<string, { readonly sequence: number; readonly storedAt: number }>();

  constructor(readonly definition: StreamDefinition) {}

  get lastSequence(): number {
    return this.first + this.entries.length - 1;
  }
  get messages(): number {
    return this.live;
  }
  /** Of the oldest message that is held. */
  get firstSequence(): number {
    return this.first + this.head;
  }
  /** In bytes. */
  get size(): number {
    return this.bytes;
  }
  /** 0 to 1, by messages or by bytes, whichever is more. */
  get fill(): number {
    return Math.max(this.live / this.definition.maxMessages, this.bytes / this.definition.maxBytes);
  }

  /** How many messages of a work queue stand on such subjects; of other streams none, for they wait for nobody. */
  countWhere(isMeant: (subject: string) => boolean): number {
    if (this.definition.retention !== 'work-queue') return 0;
    const verdicts = new Map<string, boolean>();
    let count = 0;
    for (let index = this.head; index < this.entries.length; index += 1) {
      const subject = this.entries[index]?.subject;
      if (subject === undefined) continue;
      const known = verdicts.get(subject) ?? isMeant(subject);
      verdicts.set(subject, known);
      if (known) count += 1;
    }
    return count;
  }

  /** @throws MillraceError `stream_full` */
  append(message: RawMessage & { readonly messageId: string }, now: number): PublishReceipt {
    this.forgetOld(now);
    const earlier = this.recentIds.get(message.messageId);
    if (earlier !== undefined) return { sequence: earlier.sequence, duplicate: true };
    const bytes = message.payload.byteLength + message.subject.length + overheadBytes;
    const { maxMessages, maxBytes, name } = this.definition;
    if (this.live >= maxMessages || this.bytes + bytes > maxBytes) {
      throw new MillraceError('overloaded', 'stream_full', `The stream ${name} is full.`, { retryAfterSeconds: 5 });
    }
    const { subject, payload, headers } = message;
    const sequence = this.lastSequence + 1;
    this.entries.push({ subject, payload, headers, sequence, storedAt: now, bytes });
    this.live += 1;
    this.bytes += bytes;
    this.recentIds.set(message.messageId, { sequence, storedAt: now });
    this.index(subject, sequence);
    return { sequence, duplicate: false };
  }

  get(sequence: number): StoredRawMessage | undefined {
    return this.entries[sequence - this.first];
  }

  remove(sequence: number): void {
    const entry = this.entries[sequence - this.first];
    if (entry === undefined) return;
    this.entries[sequence - this.first] = undefined;
    this.live -= 1;
    this.bytes -= entry.bytes;
    this.unindex(entry);
    this.compact();
  }

  /** The first message after a sequence that the pattern stands for. */
  next(pattern: string, after: number): StoredRawMessage | undefined {
    if (this.isIndexed && !pattern.includes('*') && !pattern.includes('>')) {
      const sequences = this.bySubject.get(pattern);
      return sequences === undefined ? undefined : this.get(sequences[firstAbove(sequences, after)] ?? 0);
    }
    for (let index = Math.max(this.head, after + 1 - this.first); index < this.entries.length; index += 1) {
      const entry = this.entries[index];
      if (entry !== undefined && matchesSubject(pattern, entry.subject)) return entry;
    }
    return undefined;
  }

  /** At most `limit` messages after a sequence that the pattern stands for. */
  after(pattern: string, sequence: number, limit: number): StoredRawMessage[] {
    const found: StoredRawMessage[] = [];
    for (let next = this.next(pattern, sequence); next !== undefined; next = this.next(pattern, next.sequence)) {
      found.push(next);
      if (found.length === limit) break;
    }
    return found;
  }

  forgetOld(now: number): void {
    for (const [id, { storedAt }] of this.recentIds) {
      if (now - storedAt < this.definition.duplicateWindowMs) break;
      this.recentIds.delete(id);
    }
    const { maxAgeMs } = this.definition;
    if (maxAgeMs === 0) return;
    for (let oldest = this.entries[this.head]; oldest !== undefined; oldest = this.entries[this.head]) {
      if (now - oldest.storedAt < maxAgeMs) break;
      this.remove(oldest.sequence);
    }
  }

  /** A work queue is pulled from, never followed, and its few subjects would make long lists. */
  private get isIndexed(): boolean {
    return this.definition.retention === 'limits';
  }

  private index(subject: string, sequence: number): void {
    if (!this.isIndexed) return;
    const sequences = this.bySubject.get(subject);
    if (sequences === undefined) this.bySubject.set(subject, [sequence]);
    else sequences.push(sequence);
  }

  private unindex({ subject, sequence }: Entry): void {
    const sequences = this.bySubject.get(subject);
    if (sequences === undefined) return;
    const index = firstAbove(sequences, sequence - 1);
    if (index === 0) sequences.shift();
    else sequences.splice(index, 1);
    if (sequences.length === 0) this.bySubject.delete(subject);
  }

  private compact(): void {
    while (this.head < this.entries.length && this.entries[this.head] === undefined) this.head += 1;
    // Cutting the front costs the length of the rest, so it waits until at least half can go.
    if (this.head < 1024 || this.head * 2 < this.entries.length) return;
    this.entries = this.entries.slice(this.head);
    this.first += this.head;
    this.head = 0;
  }
}

/** Index of the first number above a value in an ascending list. */
function firstAbove(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
