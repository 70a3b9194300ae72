import type { CallUsage, completeChat, RequestOf, ResponseOf } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { BUS, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { meterOf } from '../completion/completion-meter.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import { ModelCatalogue } from '../models/model-catalogue.js';
import type { ChatAnswer, ChatRequest } from '../providers/chat-model.js';
import { CallAccount, type Charge } from '../spending/call-account.js';
import { usdOf } from '../spending/money.js';
import { ChatPieces } from './chat-pieces.js';
import { OpenCalls } from './open-calls.js';

type Call = RequestOf<typeof completeChat>;
type Reply = ResponseOf<typeof completeChat>;

/** Makes one call of a model for somebody who waits for it, and writes it down before the reply. */
@Injectable()
export class CompleteChatHandler implements CommandHandler<typeof completeChat> {
  constructor(
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(OpenCalls) private readonly calls: OpenCalls,
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
  ) {}

  handle(call: Call, message: CommandMessage): Promise<Reply> {
    return this.calls.run(message.tenantId, call.callId, (signal) => this.make(call, message, signal));
  }

  private async make(call: Call, { tenantId, context }: CommandMessage, signal: AbortSignal): Promise<Reply> {
    const model = await this.models.chatModel(tenantId, call.model);
    const account = new CallAccount({ tenantId, keyId: call.keyId, callId: call.callId });
    const pieces = new ChatPieces(this.bus, call, context);
    let shown = '';
    try {
      const answer = await meterOf(model.name).measure((onText) =>
        model.chat(requestOf(call), {
          account,
          signal,
          onText: (text, logprobs) => {
            onText();
            shown += text;
            if (call.stream) pieces.push(text, logprobs);
          },
        }),
      );
      return await this.answered(account, answer);
    } catch (error) {
      if (shown === '' || !(error instanceof MillraceError)) throw error;
      return brokeOff(account, shown, error);
    } finally {
      pieces.end();
    }
  }

  private async answered(account: CallAccount, answer: ChatAnswer): Promise<Reply> {
    const { text, finishReason, model, cached, logprobs } = answer;
    const toolCalls = [...answer.toolCalls];
    const mark = cached !== undefined && { cached };
    const usage = usageOf({ usage: answer.usage, costNano: account.costNano });
    meterOf(model).used(usage);
    await this.ledger.recordCall(account, model, { text, toolCalls, finishReason, ...mark }, usage);
    return {
      status: 'completed',
      text,
      toolCalls,
      finishReason,
      model,
      usage,
      ...mark,
      ...(logprobs !== undefined && { logprobs }),
    };
  }
}

/** What was written before a failure is in the ledger; the caller is told what that costs. */
function brokeOff({ failed }: CallAccount, text: string, error: MillraceError): Reply {
  const usage = usageOf(failed ?? { usage: { promptTokens: 0, completionTokens: 0 }, costNano: 0 });
  if (failed !== null) meterOf(failed.model).used(usage);
  return { status: 'failed', text, usage, error: error.toShape() };
}

function usageOf({ usage, costNano }: Pick<Charge, 'usage' | 'costNano'>): CallUsage {
  const { promptTokens, completionTokens, cachedPromptTokens = 0 } = usage;
  return { promptTokens, completionTokens, cachedPromptTokens, costUsd: usdOf(costNano) };
}

function requestOf(call: Call): ChatRequest {
  const { callId: _callId, listenerId: _listenerId, keyId: _keyId, model: _model, stream: _stream, ...request } = call;
  return request;
}
