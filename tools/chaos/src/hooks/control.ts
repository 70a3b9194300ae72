/** How chaos reaches into processes that it started: files in a folder, looked for when a process comes to a point. */
import { existsSync, mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BugName, PointName } from './changes.js';

export class ControlFolder {
  constructor(readonly path: string) {
    mkdirSync(path, { recursive: true });
  }

  /** The first process of the service that comes to the point kills itself. */
  arm(service: string, point: PointName): void {
    writeFileSync(this.armed(service, point), '');
  }

  /** Calls it off. @returns whether no process had come to the point */
  disarm(service: string, point: PointName): boolean {
    return taken(this.armed(service, point));
  }

  isArmed(service: string, point: PointName): boolean {
    return existsSync(this.armed(service, point));
  }

  /** Whether this process is the one that an armed point was meant for. Of several replicas one takes it. */
  take(service: string, point: string): boolean {
    const file = this.armed(service, point);
    return existsSync(file) && taken(file);
  }

  plant(bug: BugName): void {
    writeFileSync(this.planted(bug), '');
  }

  uproot(bug: BugName): void {
    rmSync(this.planted(bug), { force: true });
  }

  isPlanted(bug: string): boolean {
    return existsSync(this.planted(bug));
  }

  private readonly armed = (service: string, point: string): string => join(this.path, `${service}@${point}`);
  private readonly planted = (bug: string): string => join(this.path, `bug-${bug}`);
}

/** Removes a file. @returns whether it was this call that did */
function taken(file: string): boolean {
  try {
    unlinkSync(file);
    return true;
  } catch {
    return false;
  }
}
