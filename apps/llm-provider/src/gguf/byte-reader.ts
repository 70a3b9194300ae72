import { readSync } from 'node:fs';

/** The file is over before what it announces. */
export class EndOfFile extends Error {}

const pieceBytes = 1 << 20;

/** Reads little-endian values of a file from its beginning on, a piece at a time. */
export class ByteReader {
  private piece = Buffer.alloc(0);
  private pieceStart = 0;
  private at = 0;

  constructor(
    private readonly file: number,
    private readonly size: number,
  ) {}

  get position(): number {
    return this.at;
  }

  u32(): number {
    return this.take(4).readUInt32LE(0);
  }

  /** Numbers beyond 2^53 are no size or count of any file, so their last digits do not matter. */
  u64(): number {
    return Number(this.take(8).readBigUInt64LE(0));
  }

  text(length: number): string {
    return this.take(length).toString('utf8');
  }

  /** @throws EndOfFile */
  skip(bytes: number): void {
    if (bytes > this.size - this.at) throw new EndOfFile();
    this.at += bytes;
  }

  private take(bytes: number): Buffer {
    if (bytes > this.size - this.at) throw new EndOfFile();
    if (this.at < this.pieceStart || this.at + bytes > this.pieceStart + this.piece.length) this.load(bytes);
    const from = this.at - this.pieceStart;
    this.at += bytes;
    return this.piece.subarray(from, from + bytes);
  }

  private load(bytes: number): void {
    const buffer = Buffer.alloc(Math.min(Math.max(bytes, pieceBytes), this.size - this.at));
    const read = readSync(this.file, buffer, 0, buffer.length, this.at);
    if (read < bytes) throw new EndOfFile();
    this.piece = buffer.subarray(0, read);
    this.pieceStart = this.at;
  }
}
