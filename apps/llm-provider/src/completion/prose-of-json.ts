import { parsePartialJson } from 'ai';

/** Parsing begins anew with each piece, so pieces are gathered to this many characters. */
const pieceLength = 64;

/**
 * Shows the one prose field of a JSON answer while the JSON is still being written: a reader sees an article grow, not braces.
 * Each piece is emitted once, in order.
 */
export class ProseOfJson {
  private answer = '';
  private parsedLength = 0;
  private shown = 0;
  private parsing: Promise<void> = Promise.resolve();

  constructor(
    private readonly field: string,
    private readonly emit: (text: string) => void,
  ) {}

  push(text: string): void {
    this.answer += text;
    if (this.answer.length - this.parsedLength < pieceLength) return;
    this.schedule();
  }

  /** Shows the rest. */
  async end(): Promise<void> {
    this.schedule();
    await this.parsing;
  }

  private schedule(): void {
    const answer = this.answer;
    this.parsedLength = answer.length;
    this.parsing = this.parsing.then(() => this.show(answer));
  }

  private async show(answer: string): Promise<void> {
    const { value } = await parsePartialJson(answer);
    const prose = isRecord(value) ? value[this.field] : undefined;
    if (typeof prose !== 'string' || prose.length <= this.shown) return;
    // The last code unit may be half of a pair, or of an escape that the next piece completes.
    const safe = /[\uD800-\uDBFF]$/.test(prose) ? prose.length - 1 : prose.length;
    this.emit(prose.slice(this.shown, safe));
    this.shown = safe;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
