import type { Database } from '@millrace/database';
import type { MessageBus } from '@millrace/messaging';
import type { HealthCheck, ServiceHealth } from '../service-definition.js';

/** What says nothing for so long is not there, in milliseconds. Probes give up early, and come again soon. */
const defaultPatienceMs = 3_000;

/**
 * Readiness: whether the service can do its work now, asked of what it stands on. A service that drains is not ready.
 * Liveness is something else: it must never look at dependencies, or an outage of one restarts everything.
 */
export class DependencyHealth implements HealthCheck {
  private readonly dependencies: readonly Dependency[];
  private isDraining = false;

  constructor(bus: MessageBus, database: Database<unknown> | undefined, patienceMs = defaultPatienceMs) {
    const databases = database === undefined ? [] : [new Dependency('database', database, patienceMs)];
    this.dependencies = [new Dependency('bus', bus, patienceMs), ...databases];
  }

  startDraining(): void {
    this.isDraining = true;
  }

  async check(): Promise<ServiceHealth> {
    if (this.isDraining) return { ready: false, problems: ['the service is draining'] };
    const problems = (await Promise.all(this.dependencies.map((dependency) => dependency.problems()))).flat();
    return { ready: problems.length === 0, problems };
  }
}

/** Asked once at a time, however often its health is wanted: what does not answer must not be asked more and more. */
class Dependency {
  private asked: Promise<readonly string[]> | undefined;

  constructor(
    private readonly name: string,
    private readonly dependency: { health(): Promise<ServiceHealth> },
    private readonly patienceMs: number,
  ) {}

  async problems(): Promise<readonly string[]> {
    this.asked ??= this.ask().finally(() => (this.asked = undefined));
    const { promise: silence, resolve } = Promise.withResolvers<readonly string[]>();
    const timer = setTimeout(() => resolve([`${this.name} does not answer`]), this.patienceMs);
    try {
      return await Promise.race([this.asked, silence]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async ask(): Promise<readonly string[]> {
    try {
      const { ready, problems } = await this.dependency.health();
      if (ready) return [];
      if (problems.length === 0) return [`${this.name} is not ready`];
      return problems.map((problem) => `${this.name}: ${problem}`);
    } catch {
      return [`${this.name} does not answer`];
    }
  }
}
