/**
 * What each kind of provider streams, in its own wire format, as its documentation describes it: the same short answer, the
 * same tool call, and the ways in which it says that something went wrong.
 */
import type { ProviderKind } from '@millrace/contracts';

export interface Recordings {
  /** `Herons fish.`, with 20 tokens in (8 of them cached where the provider tells) and 5 out. */
  readonly text: string;
  /** `look_up` with `{"query":"herons"}`. */
  readonly toolCall: string;
  /** Its content filter, after or instead of some words. */
  readonly filtered: string;
  /** The token limit was reached. */
  readonly cutAtLimit: string;
  /** An error after the answer had begun. */
  readonly failedMidway: string;
}

const frames = (...data: readonly object[]): string => data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('');
const done = 'data: [DONE]\n\n';

const openAiChunk = (choice: object | null, more: object = {}): object => ({
  id: 'chatcmpl-B9',
  object: 'chat.completion.chunk',
  created: 1741569952,
  model: 'recorded-model',
  service_tier: 'default',
  system_fingerprint: null,
  choices: choice === null ? [] : [{ index: 0, logprobs: null, finish_reason: null, ...choice }],
  ...more,
});
const openAiUsage = {
  prompt_tokens: 20,
  completion_tokens: 5,
  total_tokens: 25,
  prompt_tokens_details: { cached_tokens: 8, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
};
const openAiTool = [
  openAiChunk({
    delta: {
      role: 'assistant',
      content: null,
      tool_calls: [{ index: 0, id: 'call_9', type: 'function', function: { name: 'look_up', arguments: '' } }],
    },
  }),
  openAiChunk({ delta: { tool_calls: [{ index: 0, function: { arguments: '{"query":' } }] } }),
  openAiChunk({ delta: { tool_calls: [{ index: 0, function: { arguments: '"herons"}' } }] } }),
];
const openAiText = [
  openAiChunk({ delta: { role: 'assistant', content: '', refusal: null } }),
  openAiChunk({ delta: { content: 'Herons ' } }),
  openAiChunk({ delta: { content: 'fish.' } }),
];
const openAiEnd = (reason: string): object => openAiChunk({ delta: {}, finish_reason: reason });

const openAi: Recordings = {
  text: frames(...openAiText, openAiEnd('stop'), openAiChunk(null, { usage: openAiUsage })) + done,
  toolCall: frames(...openAiTool, openAiEnd('tool_calls'), openAiChunk(null, { usage: openAiUsage })) + done,
  filtered: frames(...openAiText, openAiEnd('content_filter')) + done,
  cutAtLimit: frames(...openAiText, openAiEnd('length'), openAiChunk(null, { usage: openAiUsage })) + done,
  failedMidway: frames(...openAiText, {
    error: { message: 'The server had an error.', type: 'server_error', param: null, code: null },
  }),
};

/** Azure begins with what its filters think of the prompt, in a frame without choices. */
const azureVerdict = openAiChunk(null, {
  model: '',
  prompt_filter_results: [{ prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: 'safe' } } }],
});
const azure: Recordings = Object.fromEntries(
  Object.entries(openAi).map(([name, body]) => [name, frames(azureVerdict) + (body as string)]),
) as unknown as Recordings;

/** Groq tells the usage in a field of its own in the last frame. */
const groqEnd = (reason: string): object =>
  openAiChunk({ delta: {}, finish_reason: reason }, { x_groq: { id: 'req_01', usage: openAiUsage } });
const groq: Recordings = {
  ...openAi,
  text: frames(...openAiText, groqEnd('stop')) + done,
  toolCall: frames(...openAiTool, groqEnd('tool_calls')) + done,
  cutAtLimit: frames(...openAiText, groqEnd('length')) + done,
};

/** Mistral tells the usage in the last frame, and sends a tool call whole. */
const mistralUsage = { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 };
const mistralEnd = (reason: string, delta: object = { content: '' }): object =>
  openAiChunk({ delta, finish_reason: reason }, { usage: mistralUsage });
const mistral: Recordings = {
  text: frames(...openAiText, mistralEnd('stop')) + done,
  toolCall:
    frames(
      mistralEnd('tool_calls', {
        content: '',
        tool_calls: [{ id: 'D681PevKs', function: { name: 'look_up', arguments: '{"query":"herons"}' }, index: 0 }],
      }),
    ) + done,
  filtered: frames(...openAiText, mistralEnd('error')) + done,
  cutAtLimit: frames(...openAiText, mistralEnd('length')) + done,
  failedMidway: frames(...openAiText, { object: 'error', message: 'Service unavailable.', type: 'internal_error' }),
};

const events = (...data: readonly { readonly type: string }[]): string =>
  data.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join('');
const anthropicStart = {
  type: 'message_start',
  message: {
    id: 'msg_1nZdL',
    type: 'message',
    role: 'assistant',
    content: [],
    model: 'recorded-model',
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 12, cache_creation_input_tokens: 0, cache_read_input_tokens: 8, output_tokens: 1 },
  },
};
const anthropicText = [
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Herons ' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'fish.' } },
];
const blockEnd = { type: 'content_block_stop', index: 0 };
const anthropicEnd = (reason: string) => [
  blockEnd,
  { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 5 } },
  { type: 'message_stop' },
];
const anthropic: Recordings = {
  text: events(anthropicStart, ...anthropicText, ...anthropicEnd('end_turn')),
  toolCall: events(
    anthropicStart,
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 'toolu_9', name: 'look_up', input: {} },
    } as { type: string },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '' } } as {
      type: string;
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"query":' } } as {
      type: string;
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '"herons"}' } } as {
      type: string;
    },
    ...anthropicEnd('tool_use'),
  ),
  filtered: events(anthropicStart, ...anthropicText, ...anthropicEnd('refusal')),
  cutAtLimit: events(anthropicStart, ...anthropicText, ...anthropicEnd('max_tokens')),
  failedMidway: events(anthropicStart, ...anthropicText, {
    type: 'error',
    error: { type: 'overloaded_error', message: 'Overloaded' },
  } as { type: string }),
};

const googleUsage = {
  promptTokenCount: 20,
  cachedContentTokenCount: 8,
  candidatesTokenCount: 5,
  totalTokenCount: 25,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 20 }],
};
const googleChunk = (parts: readonly object[], finishReason?: string): object => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...(finishReason !== undefined && { finishReason }) }],
  usageMetadata: googleUsage,
  modelVersion: 'recorded-model',
  responseId: 'r1',
});
const google: Recordings = {
  text: frames(googleChunk([{ text: 'Herons ' }]), googleChunk([{ text: 'fish.' }], 'STOP')),
  toolCall: frames(googleChunk([{ functionCall: { name: 'look_up', args: { query: 'herons' } } }], 'STOP')),
  filtered: frames(googleChunk([{ text: 'Herons ' }]), {
    candidates: [{ finishReason: 'SAFETY', index: 0 }],
    usageMetadata: googleUsage,
  }),
  cutAtLimit: frames(googleChunk([{ text: 'Herons ' }]), googleChunk([{ text: 'fish.' }], 'MAX_TOKENS')),
  failedMidway: frames(googleChunk([{ text: 'Herons ' }]), {
    error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' },
  }),
};

export const recordings: Readonly<Record<ProviderKind, Recordings>> = {
  openai: openAi,
  'openai-compatible': openAi,
  'azure-openai': azure,
  groq,
  mistral,
  anthropic,
  google,
};
