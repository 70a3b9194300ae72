/**
 * Takes results that come together: those that a worker finished in one turn, sent to the replica that published their tasks. Each is
 * taken as if it had come alone, and the reply holds a verdict for each.
 *
 * The subject names this life of the process, so that nobody is taken for a replica that was there before: where it is gone, or has
 * handed a run's partition over, the worker sends the result to the partition.
 */
import {
  mostResultsTogether,
  resultsTogetherSubject,
  violationsOf,
  type Envelope,
  type TaskResultReply,
  type TaskResultsReply,
} from '@millrace/contracts';
import { invalidInput, MillraceError, toMillraceError } from '@millrace/kernel';
import type { IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';
import { inArrivedSpan } from '@millrace/telemetry';
import { z } from 'zod';

/** What is wrong with one of them is its own affair. */
const lenient = z.object({ results: z.array(z.unknown()).min(1).max(mostResultsTogether) });

const description = { name: 'process result.{partition}.v1', kind: 'server', attributes: {} } as const;

const longestName = 60;

type Verdict = TaskResultsReply['verdicts'][number];

function traceHeadersOf(result: unknown): Readonly<Record<string, string>> {
  const { traceparent } = (result ?? {}) as { readonly traceparent?: unknown };
  return typeof traceparent === 'string' ? { traceparent } : {};
}

export interface ResultsTogetherParts {
  readonly bus: MessageBus;
  /** @throws MillraceError as `TaskResults.receive` */
  readonly take: (tenantId: string, result: unknown) => Promise<TaskResultReply>;
  readonly maxInFlight: number;
  readonly onFailure: (message: string, error: unknown) => void;
}

export class ResultsTogether {
  /** Where they are sent. */
  readonly subject: string;
  private subscription: Subscription | undefined;

  /** `replica` names the process among those that live, `began` one life of it among the others. */
  constructor(
    { replica, began }: { readonly replica: string; readonly began: Date },
    private readonly parts: ResultsTogetherParts,
  ) {
    const name = replica.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, longestName);
    this.subject = resultsTogetherSubject(`replica-${name}-${began.getTime().toString(36)}`);
  }

  async start(): Promise<void> {
    const { bus, maxInFlight } = this.parts;
    const options = { queue: 'orchestrator', maxInFlight };
    this.subscription = await bus.respond(this.subject, options, ({ envelope }: IncomingMessage) =>
      this.receive(envelope),
    );
  }

  /** Takes nothing new, and resolves when what was taken is answered. */
  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  /** @throws MillraceError `invalid_result` for what holds no results at all */
  private async receive({ tenantId, data }: Envelope): Promise<TaskResultsReply> {
    const parsed = lenient.safeParse(data);
    if (!parsed.success) throw invalidInput('invalid_result', 'These are no task results.', violationsOf(parsed.error));
    return { verdicts: await Promise.all(parsed.data.results.map((result) => this.verdictOn(tenantId, result))) };
  }

  private async verdictOn(tenantId: string, result: unknown): Promise<Verdict> {
    const headers = traceHeadersOf(result);
    try {
      return await inArrivedSpan(
        { headers },
        () => description,
        () => this.parts.take(tenantId, result),
      );
    } catch (thrown) {
      if (!(thrown instanceof MillraceError)) this.parts.onFailure('A result could not be taken.', thrown);
      return { error: toMillraceError(thrown).toShape() };
    }
  }
}
