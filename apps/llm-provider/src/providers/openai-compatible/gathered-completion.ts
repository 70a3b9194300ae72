import { providerError } from '../provider-error.js';
import type { AnswerPart } from '../streaming-model.js';
import { type Delta, frameSchema, type ToolCallDelta } from './frame.js';

interface GatheredToolCall {
  id: string | undefined;
  name: string | undefined;
  arguments: string;
}

/** Puts the frames of a stream together to the whole answer that the provider would have given at once, and tells its parts meanwhile. */
export class GatheredCompletion {
  private text = '';
  private refusal = '';
  private finishReason: string | null = null;
  private usage: unknown = null;
  private readonly toolCalls: GatheredToolCall[] = [];
  /** By the index that the provider gives them. */
  private readonly byIndex = new Map<number, GatheredToolCall>();

  constructor(private readonly onPart: (part: AnswerPart) => void) {}

  /** @throws MillraceError `provider_invalid_response` for what is no frame; what `onPart` throws */
  take(frame: unknown): void {
    // Most frames are a piece of text and nothing else.
    const piece = pieceIn(frame);
    if (piece !== null) return this.takeText(piece);
    const { success, data: known } = frameSchema.safeParse(frame);
    if (!success) throw noCompletion();
    if (known.error != null) return this.onPart({ type: 'error', error: known.error });
    if (known.usage != null) this.usage = known.usage;
    const [choice] = known.choices;
    if (choice?.finish_reason != null) this.finishReason = choice.finish_reason;
    if (choice?.delta != null) this.takeDelta(choice.delta);
  }

  /** The body of an answer that was not streamed; null where the provider never said that it is whole. */
  whole(): object | null {
    if (this.finishReason === null) return null;
    const calls = this.toolCalls.map(({ id, name, arguments: json }) => ({ id, function: { name, arguments: json } }));
    const message = {
      role: 'assistant',
      content: this.text,
      ...(this.refusal !== '' && { refusal: this.refusal }),
      ...(calls.length > 0 && { tool_calls: calls }),
    };
    return { choices: [{ index: 0, message, finish_reason: this.finishReason }], usage: this.usage };
  }

  private takeDelta({ content, refusal, reasoning_content, reasoning, tool_calls }: Delta): void {
    const thought = reasoning_content ?? reasoning;
    if (thought) this.think(thought);
    if (typeof content === 'string') this.takeText(content);
    else for (const part of content ?? []) this.takeContentPart(part);
    if (refusal) {
      this.refusal += refusal;
      this.takeText(refusal, false);
    }
    for (const call of tool_calls ?? []) this.takeToolCall(call);
  }

  private takeText(delta: string, isContent = true): void {
    if (delta === '') return;
    if (isContent) this.text += delta;
    this.onPart({ type: 'text-delta', id: 'text', delta });
  }

  private think(delta: string): void {
    this.onPart({ type: 'reasoning-delta', id: 'reasoning', delta });
  }

  private takeContentPart({ type, text, thinking }: Exclude<NonNullable<Delta['content']>, string>[number]): void {
    if (type === 'text' && typeof text === 'string') this.takeText(text);
    if (type === 'thinking' && Array.isArray(thinking))
      for (const part of thinking) if (part.text) this.think(part.text);
  }

  private takeToolCall({ index, id, function: { name, arguments: json } }: ToolCallDelta): void {
    const call = this.toolCallAt(index ?? undefined, id ?? undefined);
    call.id ??= id ?? undefined;
    call.name ??= name ?? undefined;
    call.arguments += json ?? '';
    this.onPart({ type: 'tool-input-delta', id: call.id ?? '', delta: json ?? '' });
  }

  /** Those without an index follow each other: another id begins another call. */
  private toolCallAt(index: number | undefined, id: string | undefined): GatheredToolCall {
    const last = this.toolCalls.at(-1);
    const known =
      index === undefined ? (id === undefined || last?.id === id ? last : undefined) : this.byIndex.get(index);
    if (known !== undefined) return known;
    const call: GatheredToolCall = { id: undefined, name: undefined, arguments: '' };
    this.toolCalls.push(call);
    if (index !== undefined) this.byIndex.set(index, call);
    return call;
  }
}

/** A frame as it came. @throws MillraceError `provider_invalid_response` for what is no JSON */
export function parseFrame(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw noCompletion();
  }
}

const noCompletion = () =>
  providerError('provider_invalid_response', 'The model provider sent something that is no completion.');

/** The text of a frame that brings nothing else; null for any other. */
function pieceIn(frame: unknown): string | null {
  const { choices, usage, error } = (frame ?? {}) as { choices?: unknown; usage?: unknown; error?: unknown };
  if (error !== undefined || usage != null || !Array.isArray(choices) || choices.length !== 1) return null;
  const { delta, finish_reason } = (choices[0] ?? {}) as { delta?: unknown; finish_reason?: unknown };
  if (finish_reason != null || typeof delta !== 'object' || delta === null) return null;
  for (const name in delta) if (name !== 'content' && name !== 'role') return null;
  const { content } = delta as { content?: unknown };
  return typeof content === 'string' ? content : null;
}
