/**
 * For `node --import`: changes the built files of `changes.ts` while they are loaded. The address of this module carries
 * what it must know: `service`, `control` (a folder) and `ledger` (an address).
 */
import { registerHooks } from 'node:module';
import type { ChaosHook } from './chaos-hook.js';
import { changedFiles, changedSource } from './changes.js';
import { ControlFolder } from './control.js';

declare global {
  var millraceChaos: ChaosHook;
}

const { searchParams } = new URL(import.meta.url);
const parameter = (name: string): string => {
  const value = searchParams.get(name);
  if (value === null) throw new Error(`The hooks of chaos need ?${name}=… in their address.`);
  return value;
};
const root = new URL('../../../../', import.meta.url);
const fileOf = new Map(changedFiles.map((file) => [new URL(file, root).href, file]));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const file = fileOf.get(url);
    if (file === undefined || loaded.source === undefined || loaded.source === null) return loaded;
    const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
    return { ...loaded, source: changedSource(file, source) };
  },
});

// Only now: what it imports is changed as well.
const { chaosHook } = await import('./chaos-hook.js');
globalThis.millraceChaos = chaosHook(
  parameter('service'),
  new ControlFolder(parameter('control')),
  parameter('ledger'),
);
