/** What a durable run costs on this machine, here and with peers. */
import type { EngineFigures } from './figures.js';
import { measureLoop } from './scenarios/loop.js';
import { measureRounds, type RoundsOptions } from './scenarios/rounds.js';
import { measureWaiting } from './scenarios/waiting.js';
import { startMillrace, type Millrace } from './systems/millrace.js';
import { startPeer, type PeerName } from './systems/peer.js';
import type { MeasuredSystem } from './systems/system.js';

export interface EngineBenchOptions extends RoundsOptions {
  /** Built checkouts: this one, and those to compare it with. */
  readonly checkouts: readonly string[];
  readonly peers: readonly PeerName[];
  /** Whether to run the loop of a thousand rounds and the ten thousand waiting runs as well. */
  readonly long: boolean;
}

export async function benchEngine(options: EngineBenchOptions): Promise<EngineFigures> {
  const { checkouts, peers, long, report } = options;
  await using stack = new AsyncDisposableStack();
  const systems: MeasuredSystem[] = [];
  let own: Millrace | undefined;
  for (const [index, checkout] of checkouts.entries()) {
    report(`Starting ${checkout}`);
    const started = stack.use(await startMillrace(checkout, index === 0 ? 'millrace' : checkout));
    own ??= started;
    systems.push(started);
  }
  for (const peer of peers) {
    report(`Starting ${peer}`);
    systems.push(stack.use(await startPeer(peer, report)));
  }
  const measured = await measureRounds(systems, options);
  const figures: EngineFigures = {
    diamond: Object.fromEntries(measured.map(({ name, diamond }) => [name, diamond])),
    fanout: Object.fromEntries(measured.map(({ name, fanout }) => [name, fanout])),
  };
  if (!long || own === undefined) return figures;
  report('A loop of a thousand rounds');
  const loop = await measureLoop(own);
  report('Ten thousand runs that wait');
  return { ...figures, loop: { millrace: loop }, waiting: { millrace: await measureWaiting(own) } };
}
