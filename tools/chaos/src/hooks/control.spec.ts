import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ControlFolder } from './control.js';

let folder: string;
let control: ControlFolder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-control-'));
  control = new ControlFolder(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the control folder', () => {
  it('lets one process take an armed point, and only of the service that it is meant for', () => {
    const other = new ControlFolder(folder);
    control.arm('toolbox', 'worker.before-ack');
    expect(control.isArmed('toolbox', 'worker.before-ack')).toBe(true);
    expect(other.take('llm-provider', 'worker.before-ack')).toBe(false);
    expect(other.take('toolbox', 'worker.before-result')).toBe(false);
    expect([other.take('toolbox', 'worker.before-ack'), control.take('toolbox', 'worker.before-ack')]).toEqual([
      true,
      false,
    ]);
    expect(control.disarm('toolbox', 'worker.before-ack')).toBe(false);
  });

  it('calls off a point that nobody came to', () => {
    control.arm('gateway', 'gateway.before-answer');
    expect(control.disarm('gateway', 'gateway.before-answer')).toBe(true);
    expect(control.take('gateway', 'gateway.before-answer')).toBe(false);
  });

  it('plants bugs and uproots them', () => {
    expect(control.isPlanted('without-inbox')).toBe(false);
    control.plant('without-inbox');
    expect([control.isPlanted('without-inbox'), control.isPlanted('without-fence')]).toEqual([true, false]);
    control.uproot('without-inbox');
    control.uproot('without-inbox');
    expect(control.isPlanted('without-inbox')).toBe(false);
  });
});
