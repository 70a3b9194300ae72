/** What a provider does that keeps to the protocol. */
import { begin, chunk, defaultUsage, endMark, finish, send } from './chat-frames.js';
import type { Behaviour } from './scripted-provider.js';

interface AnswerOptions {
  /** Null sends none. */
  readonly usage?: unknown;
  readonly finishReason?: string;
  /** Sends the last frames twice. */
  readonly repeatEnd?: boolean;
}

/** Streams a text in small pieces and ends as it should. */
export function answers(text: string, options: AnswerOptions = {}): Behaviour {
  const { usage = defaultUsage, finishReason = 'stop' } = options;
  return (response) => {
    begin(response);
    for (const piece of text.match(/[\s\S]{1,7}/g) ?? []) send(response, chunk({ content: piece }));
    for (let times = 0; times < (options.repeatEnd ? 2 : 1); times++) finish(response, finishReason, usage);
    response.end(endMark);
  };
}

/** Streams a text unit by unit, this many milliseconds apart. */
export const drips =
  (text: string, intervalMs: number): Behaviour =>
  (response) => {
    begin(response);
    const units = [...text];
    const timer = setInterval(() => {
      const unit = units.shift();
      if (unit !== undefined) return send(response, chunk({ content: unit }));
      clearInterval(timer);
      send(response, chunk({}, 'stop'));
      response.end(endMark);
    }, intervalMs);
    response.on('close', () => clearInterval(timer));
  };

export interface ScriptedToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text, sent in small pieces. */
  readonly arguments: string;
}

/** Asks for tools, several at once where there are several calls, their arguments interleaved as parallel calls are. */
export const callsTools =
  (...calls: readonly ScriptedToolCall[]): Behaviour =>
  (response) => {
    begin(response);
    calls.forEach(({ id, name }, index) => {
      const begun = { index, id, type: 'function', function: { name, arguments: '' } };
      send(response, chunk({ tool_calls: [begun] }));
    });
    const pieces = calls.map((call) => call.arguments.match(/[\s\S]{1,5}/g) ?? []);
    for (let at = 0; at < Math.max(0, ...pieces.map(({ length }) => length)); at++) {
      pieces.forEach((of, index) => {
        const piece = of[at];
        if (piece !== undefined) send(response, chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
      });
    }
    finish(response, 'tool_calls');
    response.end(endMark);
  };

/** Sends a body as a file holds it, frame by frame. */
export const replays =
  (body: string, contentType = 'text/event-stream'): Behaviour =>
  (response) => {
    response.writeHead(200, { 'content-type': contentType });
    for (const frame of body.split(/(?<=\n\n)/)) response.write(frame);
    response.end();
  };

/** Answers with JSON. */
export const answersJson = (body: unknown, headers: Record<string, string> = {}): Behaviour =>
  answersStatus(200, body, headers);

export const answersStatus =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Behaviour =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
