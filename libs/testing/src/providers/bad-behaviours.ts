/** What a provider does that breaks the protocol, or an expectation. */
import { begin, chunk, endMark, finish, send } from './chat-frames.js';
import type { Behaviour } from './scripted-provider.js';

/** Closes the connection without a word. */
export const refuses: Behaviour = (response) => {
  response.destroy();
};

/** Accepts the request and says nothing at all. */
export const hangs: Behaviour = () => undefined;

/** Begins an answer and then says nothing more. */
export const stallsAfter =
  (text: string): Behaviour =>
  (response) => {
    begin(response);
    send(response, chunk({ content: text }));
  };

/** Begins an answer and closes the connection in the middle. */
export const breaksOffAfter =
  (text: string): Behaviour =>
  (response) => {
    begin(response);
    send(response, chunk({ content: text }));
    response.write('data: {"id":"chatcm', () => response.destroy());
  };

/** Ends the stream cleanly, but without saying that the answer is complete. */
export const endsEarlyAfter =
  (text: string): Behaviour =>
  (response) => {
    begin(response);
    send(response, chunk({ content: text }));
    response.end();
  };

/** Sends raw frames, whatever they are. */
export const sendsFrames =
  (...frames: unknown[]): Behaviour =>
  (response) => {
    begin(response);
    frames.forEach((frame) => send(response, frame));
    response.end();
  };

/** Goes on for ever, as fast as the client takes it. */
export const neverEnds =
  (text: string): Behaviour =>
  (response) => {
    begin(response);
    const frame = `data: ${JSON.stringify(chunk({ content: text }))}\n\n`;
    const push = () => {
      while (!response.destroyed && response.write(frame));
    };
    response.on('drain', push);
    push();
  };

/** One line of this many bytes, without an end. */
export const sendsOneLineOf =
  (bytes: number): Behaviour =>
  (response) => {
    begin(response);
    const block = Buffer.alloc(64 * 1024, 'x');
    let left = bytes;
    const push = () => {
      while (!response.destroyed && left > 0) {
        left -= block.length;
        if (!response.write(block)) return;
      }
      response.end();
    };
    response.on('drain', push);
    response.write('data: ');
    push();
  };

/** Asks for a tool, ends in the middle of its arguments, and calls that the end. */
export const cutsToolArguments: Behaviour = (response) => {
  begin(response);
  const begun = { index: 0, id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '' } };
  send(response, chunk({ tool_calls: [begun] }));
  send(response, chunk({ tool_calls: [{ index: 0, function: { arguments: '{"query": "her' } }] }));
  finish(response, 'tool_calls');
  response.end(endMark);
};

/** Sends every frame twice, as a proxy does that repeats a write. */
export const repeatsEveryFrame =
  (...pieces: readonly string[]): Behaviour =>
  (response) => {
    begin(response);
    const frames = [...pieces.map((content) => chunk({ content })), chunk({}, 'stop')];
    frames.forEach((frame) => [frame, frame].forEach((each) => send(response, each)));
    const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
    [usage, usage].forEach((each) => send(response, { ...chunk({}), choices: [], usage: each }));
    response.end(endMark);
  };
