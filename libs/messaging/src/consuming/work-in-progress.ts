/** Counts what is being worked on and says when it is done. */
export class WorkInProgress {
  private current = 0;
  private waiting: (() => void)[] = [];

  get count(): number {
    return this.current;
  }

  begin(): void {
    this.current += 1;
  }

  end(): void {
    this.current -= 1;
    if (this.current > 0) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  idle(): Promise<void> {
    if (this.current === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
