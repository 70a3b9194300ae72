/**
 * The typed events of a response that is streamed, each with its number.
 *
 * 1. Nothing is sent before there is something to show: until then the call can still be refused with a status.
 * 2. Every item is added, filled and done, in the order of the output; the response itself is the last word.
 * 3. What broke off ends with `response.failed`, never with `response.completed`.
 */
import type { Logprobs, OpenAiOutputItem, OpenAiResponse } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import type { Answer } from '../answer-caller.js';
import { completed, messageItem, textPart } from './response-shapes.js';

export interface ResponseEvent {
  readonly type: string;
  readonly sequence_number: number;
}

type FunctionCall = Extract<OpenAiOutputItem, { type: 'function_call' }>;

export class ResponseEvents {
  private number = 0;
  private hasBegun = false;
  /** The message that is being written. */
  private message: { readonly id: string; text: string } | null = null;

  constructor(
    private readonly response: OpenAiResponse,
    private readonly send: (event: ResponseEvent) => void,
  ) {}

  text(delta: string, logprobs: Logprobs = []): void {
    this.begin();
    this.message ??= this.addMessage();
    this.message.text += delta;
    this.emit('response.output_text.delta', { ...this.place(this.message.id), delta, logprobs });
  }

  /** Shows the rest. @returns the whole response, which `end` says last */
  complete(answer: Answer): OpenAiResponse {
    this.begin();
    const whole = completed(this.response, answer, this.message?.id ?? null);
    whole.output.forEach((item, index) => {
      if (item.type === 'function_call') this.sendCall(item, index);
      else this.finishMessage(item, answer);
    });
    return whole;
  }

  end(response: OpenAiResponse): void {
    this.emit(response.status === 'incomplete' ? 'response.incomplete' : 'response.completed', { response });
  }

  /** Says what ended the response, with what was written and what that is charged. */
  fail(error: { readonly code: string; readonly message: string }, usage: OpenAiResponse['usage']): void {
    const output = this.message === null ? [] : [messageItem(this.message.id, 'incomplete', this.message.text)];
    this.emit('response.failed', { response: { ...this.response, status: 'failed', output, error, usage } });
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.emit('response.created', { response: this.response });
    this.emit('response.in_progress', { response: this.response });
  }

  private addMessage(): { readonly id: string; text: string } {
    const message = { id: newId('msg'), text: '' };
    const item = { ...messageItem(message.id, 'in_progress', ''), content: [] };
    this.emit('response.output_item.added', { output_index: 0, item });
    this.emit('response.content_part.added', { ...this.place(message.id), part: textPart('') });
    return message;
  }

  private finishMessage(item: Extract<OpenAiOutputItem, { type: 'message' }>, { text, logprobs }: Answer): void {
    if (this.message === null) {
      this.message = this.addMessage();
      item.id = this.message.id;
    }
    const place = this.place(item.id);
    this.emit('response.output_text.done', { ...place, text, logprobs: logprobs ?? [] });
    this.emit('response.content_part.done', { ...place, part: textPart(text, logprobs ?? []) });
    this.emit('response.output_item.done', { output_index: 0, item });
  }

  private sendCall(item: FunctionCall, index: number): void {
    const place = { item_id: item.id, output_index: index };
    const begun = { ...item, arguments: '', status: 'in_progress' as const };
    this.emit('response.output_item.added', { output_index: index, item: begun });
    this.emit('response.function_call_arguments.delta', { ...place, delta: item.arguments });
    this.emit('response.function_call_arguments.done', { ...place, name: item.name, arguments: item.arguments });
    this.emit('response.output_item.done', { output_index: index, item });
  }

  private place(id: string) {
    return { item_id: id, output_index: 0, content_index: 0 };
  }

  private emit(type: string, fields: object): void {
    this.send({ type, sequence_number: this.number++, ...fields });
  }
}
