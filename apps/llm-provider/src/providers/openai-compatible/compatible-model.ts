/**
 * A model behind OpenAI's protocol. The library says how a request looks and what a whole answer means; the stream between them is
 * read here, frame by frame, as it comes: its own reader passes each frame through four streams and two schemas, which costs more
 * than the rest of a call.
 */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { OpenAICompatibleChatLanguageModel } from '@ai-sdk/openai-compatible';
import { createParser } from 'eventsource-parser';
import type { AnswerPart, StreamingModel } from '../streaming-model.js';
import { GatheredCompletion, parseFrame } from './gathered-completion.js';
import { postForStream } from './post-for-stream.js';

export interface CompatibleSettings {
  /** `https://api.example.com/v1` */
  readonly baseURL: string;
  /** Of each request, the key among them. */
  readonly headers: Readonly<Record<string, string>>;
}

export class CompatibleModel implements StreamingModel {
  readonly provider = 'openaiCompatible.chat';
  private readonly library: OpenAICompatibleChatLanguageModel;
  private readonly url: URL;

  constructor(
    readonly modelId: string,
    private readonly settings: CompatibleSettings,
  ) {
    this.url = new URL(`${settings.baseURL}/chat/completions`);
    this.library = new OpenAICompatibleChatLanguageModel(modelId, {
      provider: this.provider,
      url: () => this.url.href,
      headers: () => ({}),
      supportsStructuredOutputs: true,
    });
  }

  async stream(options: LanguageModelV4CallOptions, onPart: (part: AnswerPart) => void): Promise<void> {
    const { abortSignal: signal = never, includeRawChunks = false } = options;
    const { body } = await this.library.prepareRequest(options);
    const completion = new GatheredCompletion(onPart);
    const parser = createParser({
      onEvent: ({ data }) => {
        if (data === '[DONE]') return;
        const frame = parseFrame(data);
        if (includeRawChunks) onPart({ type: 'raw', rawValue: frame });
        completion.take(frame);
      },
    });
    const asked = { ...body, stream: true, stream_options: { include_usage: true } };
    signal.throwIfAborted();
    const request = { url: this.url, headers: this.settings.headers, body: JSON.stringify(asked), signal };
    await postForStream(request, (text) => parser.feed(text));
    await this.finish(completion, onPart);
  }

  private async finish(completion: GatheredCompletion, onPart: (part: AnswerPart) => void): Promise<void> {
    const body = completion.whole();
    if (body === null) return;
    const { content, finishReason, usage } = await this.library.convertResponse({ body });
    for (const part of content) if (part.type === 'tool-call') onPart(part);
    onPart({ type: 'finish', finishReason, usage });
  }
}

const never = new AbortController().signal;
