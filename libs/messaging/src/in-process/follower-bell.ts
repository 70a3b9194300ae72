import { matchesSubject } from '../subject.js';

/** Wakes those who follow a stream when a message of theirs is stored. */
export class FollowerBell {
  private readonly waiting = new Map<string, Set<() => void>>();

  /** Resolves at the next message of the pattern, or when the signal aborts. */
  wait(pattern: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        const others = this.waiting.get(pattern);
        others?.delete(wake);
        if (others?.size === 0) this.waiting.delete(pattern);
        resolve();
      };
      if (signal.aborted) {
        resolve();
        return;
      }
      signal.addEventListener('abort', wake, { once: true });
      const others = this.waiting.get(pattern);
      if (others === undefined) this.waiting.set(pattern, new Set([wake]));
      else others.add(wake);
    });
  }

  ring(subject: string): void {
    if (this.waiting.size === 0) return;
    this.wakeAll(subject);
    for (const pattern of [...this.waiting.keys()]) {
      if ((pattern.includes('*') || pattern.includes('>')) && matchesSubject(pattern, subject)) this.wakeAll(pattern);
    }
  }

  ringAll(): void {
    for (const pattern of [...this.waiting.keys()]) this.wakeAll(pattern);
  }

  private wakeAll(pattern: string): void {
    for (const wake of [...(this.waiting.get(pattern) ?? [])]) wake();
  }
}
