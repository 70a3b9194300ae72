/** Frames of the chat completions protocol, as OpenAI streams them. */
import type { ServerResponse } from 'node:http';

/** Begins a stream of server-sent events. */
export const begin = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
};

/** Sends one frame: a text as it is, anything else as JSON. */
export const send = (response: ServerResponse, data: unknown): void => {
  response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
};

export const chunk = (delta: object, finishReason: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'scripted',
  choices: [{ index: 0, delta, finish_reason: finishReason }],
});

/** The last frames of an answer: why it ended, what it used, and the end mark. */
export function finish(response: ServerResponse, finishReason: string, usage: unknown = defaultUsage): void {
  send(response, chunk({}, finishReason));
  if (usage !== null) send(response, { ...chunk({}), choices: [], usage });
}

export const defaultUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

export const endMark = 'data: [DONE]\n\n';
