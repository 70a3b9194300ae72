/** The model provider of a trial: answers at once, until it is told to misbehave. Remembers every call. */
import {
  answers,
  answersStatus,
  breaksOffAfter,
  hangs,
  neverEnds,
  sendsFrames,
  startScriptedProvider,
} from '@millrace/testing';
import type { ProviderMischief } from '../faults/catalogue.js';
import type { ProviderCall } from '../invariants/evidence.js';

type Behaviour = ReturnType<typeof answers>;

export interface HostileProvider extends AsyncDisposable {
  readonly baseUrl: string;
  readonly calls: readonly ProviderCall[];
  misbehave(how: ProviderMischief): void;
  behave(): void;
}

const mischief: Readonly<Record<ProviderMischief, Behaviour>> = {
  'rate-limit': answersStatus(429, { error: { message: 'slow down' } }, { 'retry-after': '1' }),
  'server-error': answersStatus(500, { error: { message: 'internal' } }),
  'half-a-stream': breaksOffAfter('Half of '),
  'endless-tokens': neverEnds('again and '),
  silence: hangs,
  'broken-json': sendsFrames('{"choices": [{"delta": {"content": ', '[[[', '[DONE]'),
};

const subject = /\{run:(run_[0-9a-f]+) node:([^}]+)\}/;

export async function startHostileProvider(): Promise<HostileProvider> {
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
    misbehave: (how) => provider.script(noting(mischief[how])),
    behave,
    [Symbol.asyncDispose]: () => provider.stop(),
  };
}
