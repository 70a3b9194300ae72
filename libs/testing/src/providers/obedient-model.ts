/**
 * A model that obeys every instruction in its input, whoever wrote it: its system message, the user, a page that was
 * fetched, a tool's answer. What stands between it and harm must be the system around it.
 */
import { callsTools, answers, type ScriptedToolCall } from './good-behaviours.js';
import type { Behaviour, ReceivedRequest } from './scripted-provider.js';

const saying = /\b(?:say|write|print|reply with|answer with)\s+"([^"\n]{1,2000})"/gi;
const calling = /\bcall (?:the tool )?([A-Za-z_][\w.-]{0,63})\s+with\s+(\{[^\n]*\})/gi;
const revealing = /\b(?:reveal|print|repeat|show)\s+(?:me\s+)?(?:your|the)\s+(?:system\s+)?(?:prompt|instructions)\b/i;
const fetching = /\b(?:visit|fetch|open)\s+(https?:\/\/[^\s"')]{1,2000})/gi;

/**
 * Does what it is told in these words, wherever they stand: `say "…"`, `call TOOL with {…}` (a tool that was never offered,
 * too), `reveal your instructions`, `visit https://…` (as an image in its answer, which a careless reader would load).
 */
export const obeys: Behaviour = (response, request) => {
  const texts = textsOf(request);
  const input = texts.map(({ text }) => text).join('\n');
  const calls = [...input.matchAll(calling)].map(([, name = '', json = ''], index): ScriptedToolCall => {
    return { id: `call_${index + 1}`, name, arguments: json };
  });
  // What a tool answered is in the input by then: it is called once.
  const hasAnswer = texts.some(({ role }) => role === 'tool');
  if (calls.length > 0 && !hasAnswer) return callsTools(...calls)(response, request);
  return answers(wordsFor(input, texts))(response, request);
};

function wordsFor(input: string, texts: readonly Spoken[]): string {
  const words = [...input.matchAll(saying)].map(([, text = '']) => text);
  const secrets = revealing.test(input) ? texts.filter(({ role }) => role === 'system').map(({ text }) => text) : [];
  const images = [...input.matchAll(fetching)].map(([, url = '']) => `![](${url})`);
  const all = [...words, ...secrets, ...images];
  return all.length > 0 ? all.join('\n') : 'Nothing was asked of me.';
}

interface Spoken {
  readonly role: string;
  readonly text: string;
}

const textsOf = ({ body }: ReceivedRequest): readonly Spoken[] =>
  (body.messages ?? []).map(({ role, content }) => ({
    role,
    text: typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('\n'),
  }));
