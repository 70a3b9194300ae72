/** The model provider of a trial: answers at once, until it is told to misbehave. Remembers every call. */
import { answers, misbehaviours, startScriptedProvider, type Behaviour } from '@millrace/testing';
import type { ProviderMischief } from '../faults/catalogue.js';
import type { ProviderCall } from '../invariants/evidence.js';

export interface TrialProvider extends AsyncDisposable {
  readonly baseUrl: string;
  readonly calls: readonly ProviderCall[];
  misbehave(how: ProviderMischief): void;
  behave(): void;
}

const subject = /\{run:(run_[0-9a-f]+) node:([^}]+)\}/;

export async function startTrialProvider(): Promise<TrialProvider> {
  const provider = await startScriptedProvider();
  const calls: ProviderCall[] = [];
  const noting =
    (behaviour: Behaviour): Behaviour =>
    (response, request) => {
      const found = subject.exec(JSON.stringify(request.body.messages ?? []));
      if (found !== null) calls.push({ run: found[1] ?? '', node: found[2] ?? '', at: Date.now() });
      return behaviour(response, request);
    };
  const behave = (): void => provider.script(noting(answers('A model wrote this text in several pieces.')));
  behave();
  return {
    baseUrl: provider.baseUrl,
    calls,
    misbehave: (how) => provider.script(noting(misbehaviours[how])),
    behave,
    [Symbol.asyncDispose]: () => provider.stop(),
  };
}
