/** What the changed code calls, in the processes under test. */
import { setTimeout as pause } from 'node:timers/promises';
import { effectTool } from '../effects/effect-tool.js';
import type { ControlFolder } from './control.js';

/** Time for what was answered to leave the process. */
const messagesOutMs = 250;

export interface ChaosHook {
  /** Kills this process where the point is armed. `afterMessages`: what was answered so far still gets out. */
  reach(point: string, options?: { readonly afterMessages: boolean }): Promise<void>;
  isPlanted(bug: string): boolean;
  letMessagesOut(): Promise<void>;
  readonly effectTool: ReturnType<typeof effectTool>;
}

export function chaosHook(service: string, control: ControlFolder, ledgerUrl: string): ChaosHook {
  const letMessagesOut = (): Promise<void> => pause(messagesOutMs);
  return {
    reach: async (point, { afterMessages } = { afterMessages: false }) => {
      if (!control.take(service, point)) return;
      if (afterMessages) await letMessagesOut();
      process.kill(process.pid, 'SIGKILL');
    },
    isPlanted: (bug) => control.isPlanted(bug),
    letMessagesOut,
    effectTool: effectTool(ledgerUrl),
  };
}
