/**
 * The outside world: takes effects over HTTP, counts every attempt, and commits once for each idempotency key, as a payment
 * provider does. It lives in the process of chaos, out of reach of every fault.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { effectSchema, type Effect } from './effect-tool.js';

export interface CommittedEffect {
  readonly key: string;
  readonly run: string;
  readonly node: string;
  /** What the caller got for it, and got again for every repeat. */
  readonly receipt: string;
}

export interface EffectAttempt {
  readonly key: string;
  readonly run: string;
  readonly outcome: 'committed' | 'repeated' | 'refused';
}

export interface EffectLedger extends AsyncDisposable {
  readonly url: string;
  readonly attempts: readonly EffectAttempt[];
  readonly commits: readonly CommittedEffect[];
}

export async function startEffectLedger(): Promise<EffectLedger> {
  const attempts: EffectAttempt[] = [];
  const commits = new Map<string, CommittedEffect>();
  const refusals = new Map<string, number>();

  const take = (key: string, { run, node, failFirst }: Effect): CommittedEffect | undefined => {
    const known = commits.get(key);
    const note = (outcome: EffectAttempt['outcome']): void => void attempts.push({ key, run, outcome });
    if (known !== undefined) {
      note('repeated');
      return known;
    }
    const refused = refusals.get(key) ?? 0;
    if (refused < failFirst) {
      refusals.set(key, refused + 1);
      note('refused');
      return undefined;
    }
    const committed = { key, run, node, receipt: `receipt-${commits.size + 1}` };
    commits.set(key, committed);
    note('committed');
    return committed;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const key = request.headers['idempotency-key'];
    const effect = effectSchema.parse(JSON.parse(await textOf(request)));
    if (typeof key !== 'string') throw new Error('An effect needs an idempotency key.');
    const committed = take(key, effect);
    await pause(effect.takesMs);
    response.writeHead(committed === undefined ? 503 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(committed === undefined ? {} : { receipt: committed.receipt, key }));
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(400).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/effects`,
    attempts,
    get commits() {
      return [...commits.values()];
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
