import type { Database } from '@millrace/database';
import type { MessageBus } from '@millrace/messaging';
import type { HealthCheck, ServiceHealth } from '../service-definition.js';

/**
 * Readiness: whether the service can do its work now, asked of what it stands on. A service that drains is not ready.
 * Liveness is something else: it must never look at dependencies, or an outage of one restarts everything.
 */
export class DependencyHealth implements HealthCheck {
  private isDraining = false;

  constructor(
    private readonly bus: MessageBus,
    private readonly database: Database<unknown> | undefined,
  ) {}

  startDraining(): void {
    this.isDraining = true;
  }

  async check(): Promise<ServiceHealth> {
    if (this.isDraining) return { ready: false, problems: ['the service is draining'] };
    const asked = [ask('bus', this.bus), ...(this.database === undefined ? [] : [ask('database', this.database)])];
    const problems = (await Promise.all(asked)).flat();
    return { ready: problems.length === 0, problems };
  }
}

async function ask(name: string, dependency: { health(): Promise<ServiceHealth> }): Promise<readonly string[]> {
  try {
    const { ready, problems } = await dependency.health();
    if (ready) return [];
    return problems.length === 0 ? [`${name} is not ready`] : problems.map((problem) => `${name}: ${problem}`);
  } catch {
    return [`${name} does not answer`];
  }
}
