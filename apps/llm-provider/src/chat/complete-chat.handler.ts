import type { CallUsage, completeChat, RequestOf, ResponseOf } from '@millrace/contracts';
import { MillraceError, systemClock, type JsonObject } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { BUS, CONFIG, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { meterOf } from '../completion/completion-meter.js';
import type { LlmProviderConfig } from '../config.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import { priced, PriceList } from '../ledger/price.js';
import { ModelCatalogue } from '../models/model-catalogue.js';
import type { ChatAnswer, ChatRequest, TokenUsage } from '../providers/chat-model.js';
import { countTokens } from '../providers/token-count.js';
import { ChatPieces } from './chat-pieces.js';
import { OpenCalls } from './open-calls.js';

type Call = RequestOf<typeof completeChat>;
type Reply = ResponseOf<typeof completeChat>;

/** Makes one call of a model for somebody who waits for it, and writes it down before the reply. */
@Injectable()
export class CompleteChatHandler implements CommandHandler<typeof completeChat> {
  private readonly prices: PriceList;

  constructor(
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(OpenCalls) private readonly calls: OpenCalls,
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
    @Inject(CONFIG) config: LlmProviderConfig,
  ) {
    this.prices = new PriceList(config.prices);
  }

  handle(call: Call, message: CommandMessage): Promise<Reply> {
    return this.calls.run(message.tenantId, call.callId, (signal) => this.make(call, message, signal));
  }

  private async make(call: Call, { tenantId, context }: CommandMessage, signal: AbortSignal): Promise<Reply> {
    const model = await this.models.chatModel(tenantId, call.model);
    const pieces = new ChatPieces(this.bus, call.callId, context);
    let shown = '';
    try {
      const payer = { tenantId, keyId: call.keyId };
      const answer = await meterOf(model.name).measure((onText) =>
        model.chat(requestOf(call), {
          payer,
          signal,
          onText: (text) => {
            onText();
            shown += text;
            if (call.stream) pieces.push(text);
          },
        }),
      );
      return await this.answered(tenantId, call, answer);
    } catch (error) {
      if (shown === '' || !(error instanceof MillraceError)) throw error;
      return await this.brokeOff(tenantId, call, { model: model.name, shown, error });
    } finally {
      pieces.end();
    }
  }

  private async answered(tenantId: string, call: Call, answer: ChatAnswer): Promise<Reply> {
    const { text, finishReason, model } = answer;
    const toolCalls = [...answer.toolCalls];
    const usage = this.usageOf(model, answer.usage);
    await this.write(tenantId, call, model, { text, toolCalls, finishReason }, usage);
    return { status: 'completed', text, toolCalls, finishReason, model, usage };
  }

  /** A provider charges for what it wrote, although it does not say how much that is. */
  private async brokeOff(
    tenantId: string,
    call: Call,
    { model, shown, error }: { readonly model: string; readonly shown: string; readonly error: MillraceError },
  ): Promise<Reply> {
    const counts = await Promise.all([JSON.stringify(call.messages), shown].map(countTokens));
    const [promptTokens = 0, completionTokens = 0] = counts;
    const usage = this.usageOf(model, { promptTokens, completionTokens });
    await this.write(tenantId, call, model, { text: shown, failed: error.code }, usage);
    return { status: 'failed', text: shown, usage, error: error.toShape() };
  }

  private usageOf(model: string, used: TokenUsage): CallUsage {
    const { cachedPromptTokens = 0 } = used;
    return { ...priced(used, this.prices.at(model, systemClock.now())), cachedPromptTokens };
  }

  private async write(
    tenantId: string,
    { callId, keyId }: Call,
    model: string,
    output: JsonObject,
    usage: CallUsage,
  ): Promise<void> {
    meterOf(model).used(usage);
    await this.ledger.recordCall({ tenantId, callId, keyId, model, output, usage });
  }
}

function requestOf(call: Call): ChatRequest {
  const { callId: _callId, keyId: _keyId, model: _model, stream: _stream, ...request } = call;
  return request;
}
