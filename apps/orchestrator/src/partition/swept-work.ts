/**
 * Work that commits ask for and a sweep makes up for, for one subject at a time in this process.
 *
 * 1. What is asked for while its subject is worked on is done once more afterwards, however often it was asked for.
 * 2. Nothing here is kept beyond the process: whatever a crash left undone, the next sweep asks for.
 */
export interface SweptWorkParts<Subject> {
  readonly sweepMs: number;
  readonly keyOf: (subject: Subject) => string;
  /** Must not throw. */
  readonly work: (subject: Subject) => Promise<void>;
  /** Finds what was missed, and asks for it. Must not throw. */
  readonly sweep: () => Promise<void>;
}

export class SweptWork<Subject> {
  /** By subject: work under way, and whether to do it again. */
  private readonly underWay = new Map<string, { again: boolean }>();
  private sweeping: NodeJS.Timeout | null = null;
  private isStopped = true;

  constructor(private readonly parts: SweptWorkParts<Subject>) {}

  start(): void {
    this.isStopped = false;
    void this.sweep();
  }

  stop(): void {
    this.isStopped = true;
    if (this.sweeping !== null) clearTimeout(this.sweeping);
  }

  /** Does the work for a subject now, or once more when what is under way for it is done. */
  ask(subject: Subject): void {
    const key = this.parts.keyOf(subject);
    const underWay = this.underWay.get(key);
    if (underWay !== undefined) {
      underWay.again = true;
      return;
    }
    this.underWay.set(key, { again: false });
    void this.work(key, subject);
  }

  private async work(key: string, subject: Subject): Promise<void> {
    await this.parts.work(subject);
    const again = this.underWay.get(key)?.again === true && !this.isStopped;
    this.underWay.delete(key);
    if (again) this.ask(subject);
  }

  private async sweep(): Promise<void> {
    await this.parts.sweep();
    if (!this.isStopped) this.sweeping = setTimeout(() => void this.sweep(), this.parts.sweepMs).unref();
  }
}
