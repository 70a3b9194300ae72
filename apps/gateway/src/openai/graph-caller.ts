import {
  cancelRun,
  type completeChat,
  getGraph,
  type MessageContext,
  type OpenAiChatRequest,
  type RequestOf,
  type ResponseOf,
  type Run,
  startRun,
  terminalStatuses,
} from '@millrace/contracts';
import { invalidInput, MillraceError, newId } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { BUS, CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import type { GatewayConfig } from '../config.js';
import { RunEndWaiter } from '../runs/run-end-waiter.js';
import type { RunEnd } from '../runs/run-ends.js';
import { TokensEnd, tokensOf } from '../stream/token-feed.js';
import { answeringNode, answerText, graphInput } from './graph-answer.js';

type Answer = Extract<ResponseOf<typeof completeChat>, { status: 'completed' }>;

export interface GraphCall {
  /** `NAME`, `NAME@VERSION` or `NAME@ALIAS`. */
  readonly graph: string;
  readonly body: OpenAiChatRequest;
  readonly context: MessageContext;
  readonly onText: (text: string) => void;
  /** Cancels the run. */
  readonly signal: AbortSignal;
}

/** Runs a graph as if it were a model: its answer is the output of the run, shown while its node writes it. */
@Injectable()
export class GraphCaller {
  constructor(
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(CommandSender) private readonly commands: CommandSender,
    @Inject(RunEndWaiter) private readonly waiter: RunEndWaiter,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws MillraceError `unknown_graph`, `invalid_input`; `answer_restarted`; of the run, where it fails; `cancelled` */
  async call({ graph, body, context, onText, signal }: GraphCall): Promise<Answer> {
    const { name, version, document } = await this.commands.send(getGraph, context, referenceOf(graph));
    const runId = newId('run');
    const shown = new ShownText(onText);
    const end = this.waiter.listen(runId, context);
    const tokens = new AbortController();
    const node = answeringNode(document);
    if (node !== null) void this.show(shown, { node, runId, context, signal: tokens.signal });
    try {
      const data = { runId, graph: `${name}@${version}`, input: graphInput(document, body) };
      const started = await this.commands.send(startRun, context, data, { timeoutMs: 10_000 });
      const run = await this.ended(started, end, context, signal);
      tokens.abort();
      return answerOf(run, shown);
    } catch (error) {
      if (signal.aborted) await this.cancel(runId, context);
      throw error;
    } finally {
      tokens.abort();
      end.stop();
    }
  }

  private async ended(started: Run, end: RunEnd, context: MessageContext, signal: AbortSignal): Promise<Run> {
    let latest = started;
    while (!terminalStatuses.has(latest.status)) {
      await end.heard.wait(this.config.streamPollMs, signal);
      signal.throwIfAborted();
      latest = end.run ?? (await this.waiter.look(latest, context));
    }
    return latest;
  }

  private async show(
    shown: ShownText,
    { node, runId, context, signal }: { node: string; runId: string; context: MessageContext; signal: AbortSignal },
  ): Promise<void> {
    try {
      for await (const { token } of tokensOf({
        bus: this.bus,
        runId,
        context,
        afterSequence: 0,
        signal,
        end: new TokensEnd(),
      }))
        if (token.node === node && !signal.aborted) shown.push(token.attempt, token.text);
    } catch (error) {
      // The end of the run has all of it.
      if (!signal.aborted) this.logger.warn({ err: error }, 'the tokens of a graph ended early');
    }
  }

  private async cancel(runId: string, context: MessageContext): Promise<void> {
    const reason = 'The caller went away.';
    await this.commands.send(cancelRun, context, { runId, reason }).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'could not cancel the run of a caller who went away');
    });
  }
}

/** What a caller has been shown of an answer: the text of one attempt. */
class ShownText {
  private text = '';
  private attempt: number | null = null;
  restarted = false;

  constructor(private readonly onText: (text: string) => void) {}

  push(attempt: number, text: string): void {
    this.attempt ??= attempt;
    this.restarted ||= attempt !== this.attempt;
    if (this.restarted) return;
    this.text += text;
    this.onText(text);
  }

  /** Shows the rest. What a node wrote may differ from its result (a citation that nothing supports goes); its words stand then. */
  complete(text: string): void {
    if (text.startsWith(this.text)) {
      if (text.length > this.text.length) this.onText(text.slice(this.text.length));
    } else if (this.restarted) throw restarted();
  }
}

function answerOf(run: Run, shown: ShownText): Answer {
  if (run.status !== 'completed') throw failureOf(run);
  const text = answerText(run.output);
  shown.complete(text);
  const usage = { ...run.usage, cachedPromptTokens: 0 };
  const model = `graph:${run.graph.name}@${run.graph.version}`;
  return { status: 'completed', text, toolCalls: [], finishReason: 'stop', usage, model };
}

function failureOf({ id, status, error }: Run): MillraceError {
  const { code, message } = error ?? { code: `run_${status}`, message: `The run was ${status}.` };
  return new MillraceError('unavailable', code, `${message} (run ${id})`, { retryable: false });
}

const restarted = (): MillraceError =>
  new MillraceError(
    'unavailable',
    'answer_restarted',
    'The node that writes the answer began again after it was shown.',
  );

function referenceOf(graph: string): RequestOf<typeof getGraph> {
  const pattern = /^([a-z0-9][a-z0-9_-]{0,62})(?:@(?:([1-9][0-9]{0,8})|([a-z][a-z0-9_-]{0,62})))?$/;
  const [, name, version, alias] = pattern.exec(graph) ?? [];
  if (name !== undefined)
    return { name, ...(version !== undefined && { version: Number(version) }), ...(alias !== undefined && { alias }) };
  throw invalidInput('unknown_model', 'A graph is called as graph:NAME, graph:NAME@VERSION or graph:NAME@ALIAS.', [
    { pointer: '/model', message: 'is no name of a graph' },
  ]);
}
