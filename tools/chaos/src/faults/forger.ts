/**
 * Sends what no honest service sends: results and tasks again, results with stale fences, garbage. It sees what passes and
 * is allowed everything, as the worst of users would be.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  partitionOf,
  resultSubject,
  taskResult,
  taskResults,
  type Envelope,
  type TaskResult,
} from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { connect, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { ForgedReply } from '../invariants/evidence.js';
import { natsAddress } from '../world/nats-address.js';

export interface ForgerOptions {
  readonly natsUrl: string;
  readonly marker: string;
  readonly tenantId: string;
  /** Whether an attempt of a node is over, by the stored events: only then is its fence stale. */
  readonly isOver: (result: Pick<TaskResult, 'runId' | 'node' | 'attempt'>) => Promise<boolean>;
}

type Misdeed = 'duplicates' | 'stale-fences' | 'garbage';

const echoDelaysMs = [0, 80, 400];
const staleDelaysMs = [60, 150, 250, 400, 600, 900];
const garbageEveryMs = 60;

export class Forger implements AsyncDisposable {
  readonly replies: ForgedReply[] = [];
  /** How many messages it has sent. */
  sent = 0;
  private readonly active = new Set<Misdeed>();
  private readonly working = new Set<Promise<void>>();
  private garbage: NodeJS.Timeout | undefined;

  private constructor(
    private readonly nats: NatsConnection,
    private readonly options: ForgerOptions,
  ) {
    const see = (subject: string, seen: (message: Msg) => void): unknown =>
      nats.subscribe(subject, { callback: (error, message) => (error === null ? seen(message) : undefined) });
    see('result.*.v1', (message) => this.seeResult(message));
    see('task.*.v1', (message) => this.seeTask(message));
  }

  static async start(options: ForgerOptions): Promise<Forger> {
    const nats = await connect({ ...natsAddress(options.natsUrl), maxReconnectAttempts: -1, reconnectTimeWait: 200 });
    return new Forger(nats, options);
  }

  begin(misdeed: Misdeed): void {
    this.active.add(misdeed);
    if (misdeed === 'garbage') this.garbage = setInterval(() => this.sendGarbage(), garbageEveryMs);
  }

  end(misdeed: Misdeed): void {
    this.active.delete(misdeed);
    if (misdeed === 'garbage') clearInterval(this.garbage);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.garbage);
    this.active.clear();
    await Promise.all(this.working);
    await this.nats.close();
  }

  private seeResult(message: Msg): void {
    if (message.headers?.has(forgedHeader) === true) return;
    const envelope = envelopeIn(message);
    if (envelope?.tenantId !== this.options.tenantId) return;
    if (this.active.has('duplicates')) this.track(this.echoResult(message));
    if (!this.active.has('stale-fences')) return;
    for (const result of resultsIn(envelope)) this.track(this.forgeStale(envelope, result));
  }

  private seeTask(message: Msg): void {
    if (!this.active.has('duplicates') || message.headers?.has(forgedHeader) === true) return;
    // Once under its own id, which the stream absorbs, and once under another, which a worker gets.
    for (const id of [message.headers?.get('Nats-Msg-Id') ?? '', newId('forged')]) {
      this.publish(message.subject, message.data, id);
    }
  }

  private track(work: Promise<void>): void {
    const tracked = work.catch(() => undefined).finally(() => this.working.delete(tracked));
    this.working.add(tracked);
  }

  private async echoResult(message: Msg): Promise<void> {
    for (const delayMs of echoDelaysMs) {
      await pause(delayMs);
      await this.request(message.subject, message.data).catch(() => undefined);
    }
  }

  private async forgeStale(envelope: Envelope, result: TaskResult): Promise<void> {
    const { runId } = result;
    const outcome = { status: 'completed' as const, output: { result: { [this.options.marker]: true } } };
    const { name: type, version } = taskResult;
    const forged = { ...envelope, type, version, id: newId('msg'), data: { ...result, outcome } };
    for (const delayMs of staleDelaysMs) {
      await pause(delayMs);
      if (!(await this.options.isOver(result))) continue;
      const subject = resultSubject(partitionOf(runId));
      const reply = await this.request(subject, Buffer.from(JSON.stringify(forged))).catch(() => null);
      const answer = reply === null ? null : (reply as { ok?: { applied?: boolean } });
      if (answer?.ok?.applied !== undefined) this.replies.push({ runId, applied: answer.ok.applied });
    }
  }

  private sendGarbage(): void {
    const { tenantId } = this.options;
    const bytes = Buffer.from([0xff, 0x00, 0x80, 0x7b]);
    const hollow = Buffer.from(JSON.stringify({ id: newId('msg'), type: 'task.tool', version: 1, tenantId, data: {} }));
    const strange = Buffer.from(JSON.stringify(strangeEnvelope(tenantId)));
    for (const subject of ['task.tool.v1', 'task.llm.v1', `evt.${tenantId}.run.completed.v1`]) {
      for (const payload of [bytes, hollow, strange]) this.publish(subject, payload, newId('forged'));
    }
    for (const subject of ['result.3.v1', 'cmd.orchestrator.run.start.v1', 'cmd.gateway.key.create.v1']) {
      for (const payload of [bytes, hollow, strange]) this.track(this.request(subject, payload).then(() => undefined));
    }
  }

  private publish(subject: string, payload: Uint8Array, id: string): void {
    if (this.nats.isClosed()) return;
    const marked = headers();
    marked.set(forgedHeader, '1');
    if (id !== '') marked.set('Nats-Msg-Id', id);
    this.nats.publish(subject, payload, { headers: marked });
    this.sent += 1;
  }

  private async request(subject: string, payload: Uint8Array): Promise<unknown> {
    const marked = headers();
    marked.set(forgedHeader, '1');
    this.sent += 1;
    const reply = await this.nats.request(subject, payload, { timeout: 3_000, headers: marked });
    return reply.json();
  }
}

/** So that the forger knows its own messages. */
const forgedHeader = 'Chaos-Forged';

function envelopeIn(message: Msg): Envelope | null {
  try {
    return message.json<Envelope>();
  } catch {
    return null;
  }
}

/** An envelope as it should be, around a task that is none. */
const strangeEnvelope = (tenantId: string): Envelope => ({
  id: newId('msg'),
  type: 'task.tool',
  version: 7,
  tenantId,
  occurredAt: new Date().toISOString(),
  correlationId: 'chaos',
  causationId: null,
  data: { runId: 'run_of_nobody', attempt: -1, node: '\u0000', outcome: 'well' },
});

/** The results that a message carries: one, or those of several tasks. */
function resultsIn({ type, data }: Envelope): readonly TaskResult[] {
  if (type === taskResults.name) return taskResults.request.safeParse(data).data?.results ?? [];
  const result = taskResult.request.safeParse(data);
  return result.success ? [result.data] : [];
}
