/** A delivered message as JetStream describes it: position and count stand in its reply subject, answers are short words. */
import type { Msg, MsgHdrs } from '@nats-io/nats-core';
import type { Headers } from '../bus.js';
import type { HeldRawMessage } from '../transport.js';
import { noHeaders } from '../wire/headers.js';

const word = (text: string): Uint8Array => new TextEncoder().encode(text);
const acknowledged = word('+ACK');
const handedBack = word('-NAK');
const inProgress = word('+WPI');
const terminated = word('+TERM');
const nanosPerMs = 1_000_000;

export function headersOf(headers: MsgHdrs | undefined): Headers {
  if (headers === undefined) return noHeaders;
  let kept: Record<string, string> | undefined;
  for (const [name, values] of headers) {
    if (!name.startsWith('Nats-')) (kept ??= {})[name] = values.at(-1) ?? '';
  }
  return kept ?? noHeaders;
}

/**
 * `$JS.ACK.<stream>.<consumer>.<count>.<sequence>.…`, on newer servers with domain and account before the stream.
 * @throws Error for a message that JetStream did not deliver
 */
export function positionOf(reply: string): { readonly deliveryCount: number; readonly sequence: number } {
  const tokens = reply.split('.');
  const count = tokens.length >= 11 ? 6 : 4;
  const deliveryCount = Number(tokens[count]);
  const sequence = Number(tokens[count + 1]);
  if (tokens[1] !== 'ACK' || !Number.isSafeInteger(deliveryCount) || !Number.isSafeInteger(sequence)) {
    throw new Error('Not a message that JetStream delivered.');
  }
  return { deliveryCount, sequence };
}

/** `say` publishes; it must not throw. */
export function heldMessageOf(message: Msg, say: (subject: string, payload: Uint8Array) => void): HeldRawMessage {
  const reply = message.reply ?? '';
  const { deliveryCount, sequence } = positionOf(reply);
  return {
    subject: message.subject,
    payload: message.data,
    headers: headersOf(message.headers),
    deliveryCount,
    sequence,
    acknowledge: () => say(reply, acknowledged),
    terminate: () => say(reply, terminated),
    extend: () => say(reply, inProgress),
    handBack: (delayMs) =>
      say(reply, delayMs > 0 ? word(`-NAK {"delay":${Math.round(delayMs * nanosPerMs)}}`) : handedBack),
  };
}
