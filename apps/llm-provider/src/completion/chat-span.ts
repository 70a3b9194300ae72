/** The span of one call to a model: which, with what limits, what came back in numbers. Never what was asked or answered. */
import { inSpan, modelAttributes, type Span, type SpanDescription } from '@millrace/telemetry';
import type { TokenUsage } from '../providers/chat-model.js';

export interface ChatCall {
  /** Whose model it is, by the conventions' list where it is on it. */
  readonly provider: string;
  readonly model: string;
  /** `internal` for a model that runs in this process. */
  readonly kind: 'client' | 'internal';
  readonly answers: 'text' | 'json';
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
}

interface ChatAnswer {
  readonly finishReason: string;
  /** Null where the provider reports nothing that can be true. */
  readonly usage: TokenUsage | null;
}

export interface ChatObserver {
  /** Call it with every piece of the answer: the first one tells how long it took. */
  heard(): void;
}

export function inChatSpan<Answer extends ChatAnswer>(
  call: ChatCall,
  ask: (observer: ChatObserver) => Promise<Answer>,
): Promise<Answer> {
  return inSpan(
    () => describe(call),
    async (span) => {
      const answer = await ask(observerOf(span));
      if (span !== undefined) note(span, call, answer);
      return answer;
    },
  );
}

function describe({ provider, model, kind, answers, maxTokens, temperature }: ChatCall): SpanDescription {
  return {
    name: `chat ${model}`,
    kind,
    attributes: {
      [modelAttributes.operation]: 'chat',
      [modelAttributes.provider]: provider,
      [modelAttributes.requestModel]: model,
      [modelAttributes.outputType]: answers,
      ...(maxTokens !== undefined && { [modelAttributes.maxTokens]: maxTokens }),
      ...(temperature !== undefined && { [modelAttributes.temperature]: temperature }),
    },
  };
}

function note(span: Span, { model }: ChatCall, { finishReason, usage }: ChatAnswer): void {
  span.setAttribute(modelAttributes.responseModel, model);
  span.setAttribute(modelAttributes.finishReasons, [finishReason]);
  if (usage === null) return;
  span.setAttribute(modelAttributes.inputTokens, usage.promptTokens);
  span.setAttribute(modelAttributes.outputTokens, usage.completionTokens);
}

const silent: ChatObserver = { heard: () => undefined };

function observerOf(span: Span | undefined): ChatObserver {
  if (span === undefined) return silent;
  const askedAt = performance.now();
  let isFirst = true;
  return {
    heard: () => {
      if (isFirst) span.setAttribute(modelAttributes.timeToFirstChunk, (performance.now() - askedAt) / 1_000);
      isFirst = false;
    },
  };
}
