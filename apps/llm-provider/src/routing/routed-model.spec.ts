import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import {
  answers,
  answersStatus,
  drips,
  eventually,
  hangs,
  startScriptedProvider,
  type ScriptedProvider,
} from '@millrace/testing';
import type { ChatAnswer } from '../providers/chat-model.js';
import { openProvider } from '../providers/open-provider.js';
import { ProviderModel } from '../providers/provider-model.js';
import { CallAccount } from '../spending/call-account.js';
import { routeSchema, type RouteTarget } from './route.js';
import { RoutedModel } from './routed-model.js';
import { Target } from './target.js';
import type { TargetLimits } from './target-limits.js';
import { TargetProbe } from './target-probe.js';
import type { TargetSlots } from './target-slots.js';

let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startScriptedProvider();
});
afterAll(() => provider.stop());
let before: number;
beforeEach(() => {
  provider.script(answers('Well.'));
  before = provider.requests.length;
});
const asked = () => provider.requests.slice(before).map(({ body }) => body.model);

/** Targets without limits never ask for them. */
const noLimits = undefined as unknown as TargetLimits;
const noSlots = undefined as unknown as TargetSlots;

async function targetOf(options: RouteTarget, probe?: TargetProbe): Promise<Target> {
  const open = await openProvider({ kind: 'openai-compatible', baseUrl: provider.baseUrl, apiKey: null });
  const model = new ProviderModel({
    name: options.model,
    provider: 'openai-compatible',
    model: open.language(options.model.slice('p/'.length)),
    timeouts: { firstTokenMs: options.timeout.first ?? 2_000, idleMs: 500, totalMs: 5_000 },
    concurrency: options.limits.concurrency,
    queue: 0,
    maxTokens: 100,
    attempts: 1,
  });
  return new Target(model, {
    target: options,
    key: options.model,
    limits: noLimits,
    slots: noSlots,
    ...(probe !== undefined && { probe }),
    rates: () => ({ inputUsdPerMillion: 0, outputUsdPerMillion: 0 }),
    longestCallMs: 10_000,
    onUnreleased: () => undefined,
  });
}

const probeOf = (target: object | undefined): TargetProbe | undefined => (target as { probe?: TargetProbe }).probe;

/** Asks targets in the order of their weights. */
async function routeOf(names: readonly (string | object)[], more: object = {}): Promise<RoutedModel> {
  const targets = names.map((target, index) => ({
    weight: 1 / (index + 1),
    ...(typeof target === 'string' ? { model: `p/${target}` } : target),
  }));
  const plain = targets.map(({ probe: _, ...target }: { weight: number; probe?: TargetProbe }) => target);
  const route = routeSchema.parse({ name: 'spec', rounds: 1, targets: plain, ...more });
  const chosen = await Promise.all(route.targets.map((target, index) => targetOf(target, probeOf(targets[index]))));
  const fallback = await Promise.all(route.fallback.map((target) => targetOf(target)));
  return new RoutedModel(route, chosen, fallback, () => 0.5);
}

interface Outcome {
  readonly answer?: ChatAnswer;
  readonly error?: MillraceError;
  readonly shown: string;
}
async function ask(model: RoutedModel, signal = new AbortController().signal, owner = 'acme'): Promise<Outcome> {
  let shown = '';
  try {
    const listener = {
      signal,
      account: new CallAccount({ tenantId: owner, keyId: null, callId: 'call' }),
      onText: (text: string) => void (shown += text),
    };
    return { answer: await model.chat({ messages: [{ role: 'user', content: 'Hello.' }] }, listener), shown };
  } catch (error) {
    return { error: error as MillraceError, shown };
  }
}

describe('a route', () => {
  it.each(['rate-limit', 'server-error', 'refuses', 'silence', 'broken-json', 'long-line'])(
    'goes to the next target when the first one has nothing to show: %s',
    async (mischief) => {
      const first = { model: `p/hostile:${mischief}`, timeout: { first: 150 } };
      const { answer, shown } = await ask(await routeOf([first, 'good']));
      expect(answer).toMatchObject({ text: 'Well.', model: 'p/good' });
      expect(shown).toBe('Well.');
      expect(asked()).toEqual([`hostile:${mischief}`, 'good']);
    },
  );

  it.each(['stalls-midway', 'half-a-stream', 'error-inside', 'no-end'])(
    'stays with a target that has begun, and says what happened: %s',
    async (mischief) => {
      const { error, shown } = await ask(
        await routeOf([`hostile:${mischief}`, 'good'], { fallback: [{ model: 'p/good' }] }),
      );
      expect(error).toBeInstanceOf(MillraceError);
      expect(shown).toBe('Half of ');
      expect(asked()).toEqual([`hostile:${mischief}`]);
    },
  );

  it('spares no other target a failure that is the caller’s own', async () => {
    provider.script(answersStatus(400, { error: { message: 'no' } }));
    expect((await ask(await routeOf(['a', 'b']))).error).toMatchObject({ code: 'provider_rejected_request' });
    expect(asked()).toEqual(['a']);
    const filtered = await ask(await routeOf(['hostile:content-filter', 'b']));
    expect(filtered.error).toMatchObject({ code: 'provider_refused_content' });
  });

  it('asks its fallbacks in their order, last', async () => {
    const fallback = [{ model: 'p/hostile:refuses' }, { model: 'p/good' }];
    const route = await routeOf(['hostile:server-error', 'hostile:rate-limit'], { fallback });
    expect((await ask(route)).answer?.model).toBe('p/good');
    expect(asked()).toEqual(['hostile:server-error', 'hostile:rate-limit', 'hostile:refuses', 'good']);
  });

  it('skips a target whose circuit is open, which streams that broke in the middle open as well', async () => {
    const route = await routeOf(['hostile:half-a-stream', 'good']);
    for (let call = 0; call < 10; call++) expect((await ask(route)).error?.code).toBe('provider_stream_cut');
    before = provider.requests.length;
    expect((await ask(route)).answer?.model).toBe('p/good');
    expect(asked()).toEqual(['good']);
  });

  it('leaves a target alone for as long as it asked, and comes back then', async () => {
    const route = await routeOf(['flaky', 'good']);
    provider.script(answersStatus(429, {}, { 'retry-after': '1' }), answers('Well.'));
    expect((await ask(route)).answer?.model).toBe('p/good');
    expect((await ask(route)).answer?.model).toBe('p/good');
    expect(asked()).toEqual(['flaky', 'good', 'good']);
    await eventually(async () => (await ask(route)).answer?.model === 'p/flaky', { timeoutMs: 5_000 });
  });

  it('goes through the targets again when all of them fail for a while', async () => {
    provider.script(answersStatus(500), answersStatus(503), answers('Better now.'));
    const route = await routeOf(['a', 'b'], { rounds: 2 });
    expect((await ask(route)).answer?.text).toBe('Better now.');
    expect(asked()).toEqual(['a', 'b', 'a']);
  });

  it('hands a Retry-After to the caller that is too long to wait for', async () => {
    provider.script(answersStatus(429, {}, { 'retry-after': '60' }));
    const { error } = await ask(await routeOf(['a', 'b'], { rounds: 5 }));
    expect(error).toMatchObject({ code: 'provider_rate_limited', retryAfterSeconds: 60 });
    expect(asked()).toEqual(['a', 'b']);
  });

  it('lets each target work on no more than it may, and the others help', async () => {
    provider.script(hangs);
    const limits = { concurrency: 1 };
    const route = await routeOf([
      { model: 'p/a', limits },
      { model: 'p/b', limits },
    ]);
    const caller = new AbortController();
    const working = [ask(route, caller.signal), ask(route, caller.signal)];
    await eventually(() => asked().length === 2);
    expect(asked().sort()).toEqual(['a', 'b']);
    caller.abort();
    for (const { error } of await Promise.all(working)) expect(error).toBeDefined();
  });

  it('keeps calls in a bounded queue with a deadline, and refuses the rest with a time to come back', async () => {
    provider.script(hangs);
    const route = await routeOf([{ model: 'p/a', limits: { concurrency: 1 } }], {
      queue: { size: 1, deadlineMs: 300 },
    });
    const caller = new AbortController();
    const working = ask(route, caller.signal);
    const waiting = ask(route, new AbortController().signal, 'globex');
    expect((await ask(route)).error).toMatchObject({ kind: 'overloaded', code: 'route_busy', retryAfterSeconds: 1 });
    expect((await waiting).error).toMatchObject({ code: 'route_busy' });
    expect(asked()).toEqual(['a']);
    caller.abort();
    await working;
  });

  it('closes the connection of whichever target it is with when the caller gives up', async () => {
    const route = await routeOf(['hostile:server-error', 'hostile:stalls-midway']);
    const abandoned = provider.abandoned;
    const caller = new AbortController();
    const asking = ask(route, caller.signal);
    await eventually(() => asked().length === 2);
    caller.abort(new MillraceError('cancelled', 'run_cancelled', 'Enough.'));
    expect((await asking).error).toMatchObject({ code: 'run_cancelled' });
    await eventually(() => provider.abandoned > abandoned);
  });

  describe('that hedges', () => {
    const hedge = { afterMs: 50 };

    it('asks another target when the first shows nothing, takes whichever begins first, and ends the other', async () => {
      const abandoned = provider.abandoned;
      const { answer, shown } = await ask(await routeOf(['hostile:silence', 'good'], { hedge }));
      expect(answer).toMatchObject({ text: 'Well.', model: 'p/good' });
      expect(shown).toBe('Well.');
      expect(asked()).toEqual(['hostile:silence', 'good']);
      await eventually(() => provider.abandoned > abandoned);
    });

    it('asks nobody else where the first begins in time, also when it is slow afterwards', async () => {
      provider.script(drips('Herons fish.', 120));
      const { answer } = await ask(await routeOf(['slow', 'good'], { hedge: { afterMs: 1_000 } }));
      expect(answer).toMatchObject({ text: 'Herons fish.', model: 'p/slow' });
      expect(asked()).toEqual(['slow']);
    });

    it('never mixes two answers, however close they begin', async () => {
      for (let delay = 30; delay <= 70; delay += 5) {
        provider.script(
          (response, request) => void setTimeout(() => void answers('From the first.')(response, request), delay),
          answers('From the second.'),
        );
        const { answer, shown } = await ask(await routeOf(['a', 'b'], { hedge }));
        expect(shown).toBe(answer?.text);
        expect(['From the first.', 'From the second.']).toContain(shown);
      }
    });

    it('waits for the first when the second fails, and goes on to others when both do', async () => {
      provider.script(
        (response, request) => void setTimeout(() => void answers('Late.')(response, request), 200),
        answersStatus(500),
      );
      expect((await ask(await routeOf(['slow', 'b'], { hedge }))).answer?.text).toBe('Late.');
      before = provider.requests.length;
      provider.script(
        (response, request) => void setTimeout(() => void answersStatus(503)(response, request), 200),
        answersStatus(500),
        answers('Third.'),
      );
      expect((await ask(await routeOf(['slow', 'b', 'c'], { hedge }))).answer?.text).toBe('Third.');
      expect(asked()).toEqual(['slow', 'b', 'c']);
    });

    it('has nobody else to ask, and waits', async () => {
      provider.script((response, request) => void setTimeout(() => void answers('Late.')(response, request), 150));
      expect((await ask(await routeOf(['only'], { hedge }))).answer?.text).toBe('Late.');
    });

    it('ends both when the caller gives up', async () => {
      const abandoned = provider.abandoned;
      const caller = new AbortController();
      const asking = ask(await routeOf(['hostile:silence', 'hostile:silence'], { hedge }), caller.signal);
      await eventually(() => asked().length === 2);
      caller.abort(new MillraceError('cancelled', 'run_cancelled', 'Enough.'));
      expect((await asking).error).toMatchObject({ code: 'run_cancelled' });
      await eventually(() => provider.abandoned >= abandoned + 2);
    });
  });

  it('asks no target whose server does not answer a look, and comes back when it does', async () => {
    let status = 500;
    const probe = new TargetProbe({ everyMs: 1, timeoutMs: 100 }, () => Promise.resolve(status));
    const route = await routeOf([{ model: 'p/a', probe }, 'b']);
    await eventually(async () => (await ask(route)).answer?.model === 'p/b');
    // Nobody may look without a key, but somebody is there.
    status = 401;
    await eventually(async () => (await ask(route)).answer?.model === 'p/a');
    const dead = new TargetProbe({ everyMs: 1, timeoutMs: 100 }, () => Promise.reject(new Error('no connection')));
    await eventually(() => !dead.seesItUp);
  });
});
