import {
  breaksOffAfter,
  cutsToolArguments,
  endsEarlyAfter,
  hangs,
  neverEnds,
  refuses,
  repeatsEveryFrame,
  sendsFrames,
  sendsOneLineOf,
  stallsAfter,
} from './bad-behaviours.js';
import { chunk } from './chat-frames.js';
import { answers, answersStatus } from './good-behaviours.js';
import { obeys } from './obedient-model.js';
import type { Behaviour } from './scripted-provider.js';

/**
 * Everything that a provider is known to do to its callers, by name. A test scripts them; a process that cannot be scripted asks
 * for one by naming the model `hostile:NAME`.
 */
export const misbehaviours = {
  'rate-limit': answersStatus(429, { error: { message: 'slow down' } }, { 'retry-after': '1' }),
  'server-error': answersStatus(500, { error: { message: 'internal' } }),
  refuses,
  silence: hangs,
  'stalls-midway': stallsAfter('Half of '),
  'half-a-stream': breaksOffAfter('Half of '),
  'no-end': endsEarlyAfter('Half of '),
  'error-inside': sendsFrames(chunk({ content: 'Half of ' }), {
    error: { message: 'internal', type: 'server_error' },
  }),
  'broken-json': sendsFrames('{"choices": [{"delta": {"content": ', '[[[', '[DONE]'),
  'cut-tool-arguments': cutsToolArguments,
  'endless-tokens': neverEnds('again and '),
  'wrong-usage': answers('Seven words that cost minus three tokens.', {
    usage: { prompt_tokens: -3, completion_tokens: 1e15, total_tokens: 0 },
  }),
  'no-usage': answers('A text that nobody counted.', { usage: null }),
  'content-filter': answers('I will', { finishReason: 'content_filter' }),
  'every-frame-twice': repeatsEveryFrame('Said ', 'twice.'),
  'long-line': sendsOneLineOf(50_000_000),
  obedient: obeys,
} as const satisfies Readonly<Record<string, Behaviour>>;

export type Misbehaviour = keyof typeof misbehaviours;

/** The one that a model's name asks for, if it asks for any. */
export function misbehaviourOf(model: string | undefined): Behaviour | undefined {
  const name = model?.startsWith('hostile:') ? model.slice('hostile:'.length) : '';
  return Object.hasOwn(misbehaviours, name) ? misbehaviours[name as Misbehaviour] : undefined;
}
