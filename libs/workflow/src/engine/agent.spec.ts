import { describe, expect, it } from '@jest/globals';
import type { ChatMessage, TaskOutcome, ToolCall } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { validateGraph } from '../document/validate.js';
import { limits } from '../limits.js';
import { completed, failed, graphOf, snapshotOf, TestRun } from '../testing/test-run.js';

const agent = (rest: JsonObject = {}): JsonObject => ({
  id: 'helper',
  kind: 'agent',
  with: { system: 'You help.', prompt: 'Help ${{ input.name }}.' },
  tools: ['echo', 'delay'],
  ...rest,
});
const graph = (rest: JsonObject = {}, outer: JsonObject = {}): JsonObject =>
  graphOf([agent(rest)], { output: '${{ nodes.helper.output }}', ...outer });

const catalogue = {
  result: {
    tools: ['echo', 'delay', 'secret'].map((name) => ({
      name,
      description: `Does ${name}.`,
      arguments: { type: 'object', properties: { [`of_${name}`]: { type: 'string' } } },
    })),
  },
};

const says = (text: string, toolCalls: readonly ToolCall[] = [], costUsd = 0): TaskOutcome => ({
  status: 'completed',
  output: {
    ...{ text, json: null, citations: [], model: 'test/model' },
    finishReason: toolCalls.length > 0 ? 'tool-calls' : 'stop',
    ...(toolCalls.length > 0 && { toolCalls: [...toolCalls] }),
  },
  usage: { promptTokens: 1, completionTokens: 1, costUsd },
});
const call = (name: string, given: JsonValue = {}, id = name): ToolCall => ({
  ...{ id, name },
  arguments: typeof given === 'string' ? given : JSON.stringify(given),
});

function begun(document: JsonObject): TestRun {
  expect(validateGraph(document)).toMatchObject({ graph: expect.anything() });
  const run = new TestRun(document);
  run.start({ name: 'Ada' });
  if (run.tasks()[0]?.node === 'helper[0].tools') run.result('helper[0].tools', completed(catalogue));
  return run;
}
const model = (round: number) => `helper[0].rounds[${round}].model`;
const toolAt = (round: number, index: number) => `helper[0].rounds[${round}].calls[${index}].call`;

const inputOf = (run: TestRun, node: string) => run.tasks().find((task) => task.node === node)?.input as JsonObject;
const messagesTo = (run: TestRun, round: number) => inputOf(run, model(round))['messages'] as unknown as ChatMessage[];
/** What tools answered in the conversation, by the ids of the calls. */
const answersTo = (run: TestRun, round: number) =>
  messagesTo(run, round).flatMap((message) =>
    message.role === 'tool' ? [[message.toolCallId, JSON.parse(message.content)] as const] : [],
  );

describe('an agent', () => {
  it('asks the model with the granted tools and their schemas, calls what it calls, and ends with its answer', () => {
    const run = begun(graph());
    expect(inputOf(run, model(0))).toMatchObject({
      messages: [
        { role: 'system', content: expect.stringMatching(/^You help\.\n\n.*never an instruction/) },
        { role: 'user', content: 'Help Ada.' },
      ],
      tools: [
        { name: 'echo', description: 'Does echo.', parameters: { properties: { of_echo: { type: 'string' } } } },
        { name: 'delay' },
      ],
    });
    run.result(model(0), says('Looking.', [call('echo', { a: 1 }, 'one'), call('delay', { b: 2 }, 'two')]));
    expect(run.tasks()).toMatchObject([
      { node: toolAt(0, 0), kind: 'tool', input: { tool: 'echo', arguments: { a: 1 } } },
      { node: toolAt(0, 1), kind: 'tool', input: { tool: 'delay', arguments: { b: 2 } } },
    ]);
    const [first, second] = run.tasks().map(({ idempotencyKey }) => idempotencyKey);
    expect(first).toMatch(/helper\[0\]\.rounds\[0\]\.calls\[0\]\.call$/);
    expect(second).not.toBe(first);
    run.result(toolAt(0, 1), completed({ result: { waited: true } }));
    run.result(toolAt(0, 0), completed({ result: 'echoed' }));
    expect(messagesTo(run, 1).slice(2)).toEqual([
      {
        role: 'assistant',
        content: 'Looking.',
        toolCalls: [
          { id: 'one', name: 'echo', arguments: '{"a":1}' },
          { id: 'two', name: 'delay', arguments: '{"b":2}' },
        ],
      },
      { role: 'tool', toolCallId: 'one', content: 'echoed' },
      { role: 'tool', toolCallId: 'two', content: '{"waited":true}' },
    ]);
    run.result(model(1), says('Ada is helped.'));
    expect(run.state).toMatchObject({
      status: 'completed',
      output: { text: 'Ada is helped.', reason: 'answered', finished: true, rounds: 2, toolCalls: 2, json: null },
    });
    expect(run.view().steps.map(({ node, kind, status }) => `${node} ${kind} ${status}`)).toEqual([
      'helper agent completed',
      'helper[0].tools tool completed',
      'helper[0].rounds loop completed',
      ...[`${model(0)} llm`, 'helper[0].rounds[0].calls map', `${toolAt(0, 0)} tool`, `${toolAt(0, 1)} tool`].map(
        (step) => `${step} completed`,
      ),
      ...[`${model(1)} llm`, 'helper[0].rounds[1].calls map'].map((step) => `${step} completed`),
    ]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('gives the model the error of a tool, and goes on', () => {
    const run = begun(graph({ retry: { maxAttempts: 1 } }));
    run.result(model(0), says('', [call('echo')]));
    run.result(toolAt(0, 0), failed('gone', false));
    expect(answersTo(run, 1)).toEqual([['echo', { error: 'It broke.', code: 'gone' }]]);
    run.result(model(1), says('No luck.'));
    expect(run.state).toMatchObject({ status: 'completed', output: { text: 'No luck.', toolCalls: 1 } });
  });

  it('needs no tools', () => {
    const run = begun(graph({ tools: [] }));
    expect(inputOf(run, model(0))).not.toHaveProperty('tools');
    run.result(model(0), says('Done.'));
    expect(run.state).toMatchObject({ status: 'completed', output: { text: 'Done.', toolCalls: 0 } });
  });

  it('has variables and nodes of its own: those around it keep their meaning', () => {
    const inner = agent({ with: { prompt: '${{ string(round) }} ${{ nodes.model.output }}' }, needs: ['model'] });
    const outer = { id: 'model', kind: 'transform', output: 'of the graph' };
    const run = begun(graphOf([{ id: 'again', kind: 'loop', maxRounds: 2, nodes: [outer, inner] }]));
    run.result('again[0].helper[0].tools', completed(catalogue));
    run.result('again[0].helper[0].rounds[0].model', says('one', [call('echo')]));
    run.result('again[0].helper[0].rounds[0].calls[0].call', completed({ result: 1 }));
    const [task] = run.tasks();
    expect(JSON.stringify(task?.input)).toContain('"0 of the graph"');
  });

  it('is cancelled with all that it does', () => {
    const run = begun(graph());
    run.result(model(0), says('', [call('echo', {}, 'a'), call('echo', {}, 'b')]));
    run.cancel();
    expect(run.tasks()).toEqual([]);
    expect(run.view().steps.filter(({ status }) => status === 'cancelled').length).toBeGreaterThanOrEqual(5);
    expect(run.result(toolAt(0, 0))).toEqual([]);
  });

  it('fails with what the model or the description of its tools fails with, as far as the graph lets it', () => {
    const run = begun(
      graph({ retry: { maxAttempts: 1 }, onError: 'continue' }, { output: '${{ nodes.helper.error.code }}' }),
    );
    run.result(model(0), failed('provider_gone', false));
    expect(run.state).toMatchObject({ status: 'completed', output: 'provider_gone' });
    const unknown = new TestRun(graph());
    unknown.start({ name: 'Ada' });
    unknown.result('helper[0].tools', failed('unknown_tool', false));
    expect(unknown.state).toMatchObject({ status: 'failed', error: { code: 'unknown_tool' } });
  });
});

describe('a hostile model', () => {
  it.each<[string, ToolCall, RegExp]>([
    ['a tool that was not granted', call('secret'), /no tool \\?"secret\\?" here.*echo, delay/],
    ['a tool with a name that no provider takes back', call('rm -rf /\u0000', {}, 'x'), /no tool/],
    ["the engine's own tool", call('describe', { names: ['secret'] }), /no tool/],
    ['finish, where the answer has no schema', call('finish'), /no tool/],
    ['broken arguments', call('echo', '{"a": '), /no JSON/],
    ['a list for arguments', call('echo', '[1]'), /one JSON object/],
    ['huge arguments', call('echo', JSON.stringify({ a: 'x'.repeat(limits.agentArgumentsLength) })), /are the most/],
    ['arguments that are nested without end', call('echo', `{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}`), /deeper/],
    ['arguments for the prototype', call('echo', '{"__proto__": {"admin": true}}'), /not allowed/],
    ['arguments that cannot be stored', call('echo', '{"a": "\\u0000"}'), /U\+0000/],
  ])('%s: is told of it, and nothing is called', (_what, wish, message) => {
    const run = begun(graph());
    run.result(model(0), says('', [wish]));
    expect(run.tasks().map(({ node }) => node)).toEqual([model(1)]);
    const [[id, told] = ['', {}]] = answersTo(run, 1);
    expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(JSON.stringify(told)).toMatch(message);
    const said = messagesTo(run, 1).at(-2);
    expect(JSON.stringify(said).length).toBeLessThan(400);
    run.result(model(1), says('As you wish.'));
    expect(run.state).toMatchObject({ status: 'completed', output: { toolCalls: 0 } });
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('calls without end: it is stopped after its rounds, and what it calls in the last one is not done', () => {
    const stopped = (onExhausted: string) => {
      const run = begun(graph({ maxRounds: 2, onExhausted }));
      run.result(model(0), says('More.', [call('echo')]));
      run.result(toolAt(0, 0), completed({ result: 1 }));
      const asked = inputOf(run, model(1));
      run.result(model(1), says('', [call('echo')]));
      expect(run.tasks()).toEqual([]);
      return { run, asked };
    };
    const failing = stopped('fail');
    expect(failing.asked).not.toHaveProperty('toolChoice');
    expect(failing.run.state).toMatchObject({ status: 'failed', error: { code: 'agent_exhausted' } });
    const best = stopped('best');
    expect(best.asked).toMatchObject({ toolChoice: 'none' });
    expect(best.run.state).toMatchObject({
      status: 'completed',
      output: { text: 'More.', reason: 'rounds', finished: false, rounds: 2, toolCalls: 1 },
    });
  });

  it('makes no more calls than it may, in the order of asking', () => {
    const run = begun(graph({ maxToolCalls: 3 }));
    run.result(
      model(0),
      says(
        '',
        ['a', 'b'].map((id) => call('echo', {}, id)),
      ),
    );
    run.result(toolAt(0, 0), completed({ result: 1 }));
    run.result(toolAt(0, 1), completed({ result: 2 }));
    run.result(model(1), says('', [call('secret', {}, 'c'), call('echo', {}, 'd'), call('echo', {}, 'e')]));
    expect(run.tasks().map(({ node }) => node)).toEqual([toolAt(1, 1)]);
    run.result(toolAt(1, 1), completed({ result: 3 }));
    expect(
      answersTo(run, 2)
        .slice(2)
        .map(([, told]) => JSON.stringify(told)),
    ).toEqual([expect.stringContaining('no tool'), '3', expect.stringContaining('No tool call is left')]);
    expect(inputOf(run, model(2))).toMatchObject({ toolChoice: 'none' });
  });

  it('gives all its calls one id: each has its own', () => {
    const run = begun(graph());
    run.result(
      model(0),
      says(
        '',
        Array.from({ length: 3 }, () => call('echo', {}, 'same')),
      ),
    );
    [0, 1, 2].forEach((index) => run.result(toolAt(0, index), completed({ result: index })));
    run.result(model(1), says('', [call('echo', {}, 'same')]));
    run.result(toolAt(1, 0), completed({ result: 3 }));
    const ids = answersTo(run, 2).map(([id]) => id);
    expect(new Set(ids).size).toBe(4);
  });

  it('asks for very many calls at once: those beyond the bound are not looked at', () => {
    const run = begun(graph({ maxToolCalls: 1_000, maxParallel: 128 }));
    run.result(
      model(0),
      says(
        '',
        Array.from({ length: 500 }, (_, index) => call('echo', {}, `c${index}`)),
      ),
    );
    expect(run.tasks()).toHaveLength(limits.agentCallsInRound);
  });

  it('is told long answers of tools in part, and old ones not at all once the conversation is too long', () => {
    const run = begun(graph({ maxRounds: 30 }));
    for (let round = 0; round < 25; round += 1) {
      run.result(model(round), says('', [call('echo')]));
      run.result(toolAt(round, 0), completed({ result: `${round} ${'x'.repeat(30_000)}` }));
    }
    const messages = messagesTo(run, 25);
    const told = messages.flatMap((message) => (message.role === 'tool' ? [message.content] : []));
    expect(JSON.stringify(messages).length).toBeLessThan(limits.agentConversationLength + 30_000);
    expect(told[0]).toMatch(/^\(left out/);
    expect(told[24]).toMatch(/^24 x+… \(\d+ characters more were left out\)$/);
    expect(messages[1]).toEqual({ role: 'user', content: 'Help Ada.' });
  });
});

describe("an agent's answer with a schema", () => {
  const output = { type: 'object', required: ['score'], properties: { score: { type: 'integer' } } };

  it('is what finish is called with, where it fits; calls beside it are not made', () => {
    const run = begun(graph({ output }));
    expect(inputOf(run, model(0))).toMatchObject({ tools: [{}, {}, { name: 'finish', parameters: output }] });
    run.result(model(0), says('', [call('finish', { score: 'high' }, 'f')]));
    expect(answersTo(run, 1)).toEqual([['f', { error: expect.stringContaining('/score') }]]);
    run.result(model(1), says('', [call('echo'), call('finish', { score: 7 })]));
    expect(run.state).toMatchObject({
      status: 'completed',
      output: { json: { score: 7 }, finished: true, toolCalls: 0 },
    });
  });

  it('may be said as JSON; other words are answered with what is wanted', () => {
    const run = begun(graph({ output, tools: [] }));
    run.result(model(0), says('The score is seven.'));
    expect(messagesTo(run, 1).at(-1)).toMatchObject({ role: 'user', content: expect.stringContaining('finish') });
    run.result(model(1), says('```json\n{"score": 7}\n```'));
    expect(run.state).toMatchObject({ status: 'completed', output: { json: { score: 7 } } });
  });

  it('is demanded in the last round', () => {
    const run = begun(graph({ output, maxRounds: 1, onExhausted: 'best' }));
    expect(inputOf(run, model(0))).toMatchObject({ toolChoice: { tool: 'finish' } });
    run.result(model(0), says('Never.'));
    expect(run.state).toMatchObject({ status: 'completed', output: { json: null, text: 'Never.', finished: false } });
  });
});

describe("an agent's budget", () => {
  it('lets no round begin beyond it', () => {
    const spent = (onExhausted: string) => {
      const run = begun(graph({ budget: { usd: 0.1 }, onExhausted, estimate: { usd: 0.04 } }));
      run.result(model(0), says('One.', [call('echo')], 0.05));
      run.result(toolAt(0, 0), completed({ result: 1 }));
      run.result(model(1), says('Two.', [call('echo')], 0.02));
      expect(run.tasks()).toEqual([]);
      return run;
    };
    expect(spent('fail').state).toMatchObject({ status: 'failed', error: { code: 'agent_budget_exceeded' } });
    expect(spent('best').state).toMatchObject({ output: { text: 'Two.', reason: 'budget', rounds: 2, toolCalls: 1 } });
  });

  it('of the run counts: a run that degrades ends with what the model said before', () => {
    const run = begun(graph({ estimate: { usd: 0.5 } }, { budget: { usd: 1, onExceed: 'degrade' } }));
    run.result(model(0), says('One.', [call('echo')], 0.9));
    run.result(toolAt(0, 0), completed({ result: 1 }));
    expect(run.state).toMatchObject({ status: 'completed', output: { text: 'One.', reason: 'degraded' } });
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });
});

describe('the document of an agent', () => {
  it.each<[JsonObject, string]>([
    [{ tools: ['echo', 'echo'] }, '/nodes/0/tools/1: This tool is named twice.'],
    [{ tools: ['finish'] }, '/nodes/0/tools/0: '],
    [{ tools: ['rm -rf /'] }, '/nodes/0/tools/0: '],
    [{ tools: Array.from({ length: 200 }, (_, index) => `t${index}`) }, '/nodes/0/tools: '],
    [{ maxRounds: 0 }, '/nodes/0/maxRounds: '],
    [{ maxRounds: 1_000_000 }, '/nodes/0/maxRounds: '],
    [{ maxToolCalls: -1 }, '/nodes/0/maxToolCalls: '],
    [{ onExhausted: 'explode' }, '/nodes/0/onExhausted: '],
    [{ budget: { usd: 0 } }, '/nodes/0/budget/usd: '],
    [{ with: {} }, '/nodes/0/with/prompt: '],
    [{ with: { prompt: 'x', temprature: 1 } }, '/nodes/0/with/temprature: The agent has no field'],
    [{ with: { prompt: '${{ nodes.model.output }}' } }, '/nodes/0/with/prompt: There is no node'],
    [{ output: { type: 'string' } }, '/nodes/0/output/type: '],
    [{ output: { type: 'object', required: ['a'] } }, '/nodes/0/output/required/0: '],
    [{ timeout: { idle: '2m', total: '1m' } }, '/nodes/0/timeout/idle: '],
    [{ nodes: [] }, '/nodes/0/nodes: '],
  ])('%j is refused', (rest, violation) => {
    const validation = validateGraph(graph(rest));
    const said = 'violations' in validation ? validation.violations : [];
    expect(said.map(({ pointer, message }) => `${pointer}: ${message}`).join('\n')).toContain(violation);
  });

  it('is checked where it reads the answer by its schema', () => {
    const output = { type: 'object', required: ['score'], properties: { score: { type: 'integer' } } };
    const reading = (field: string) =>
      validateGraph(graph({ output }, { output: `\${{ nodes.helper.output.json.${field} }}` }));
    expect(reading('score')).toHaveProperty('graph');
    expect(reading('scor')).toHaveProperty('violations');
  });
});

describe('whatever a model says', () => {
  const anyCall = fc.record({
    id: fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom('a', 'b')),
    name: fc.oneof(fc.constantFrom('echo', 'delay', 'secret', 'finish', 'describe'), fc.string({ minLength: 1 })),
    arguments: fc.oneof(fc.json({ maxDepth: 2 }), fc.string(), fc.constant('{"score":1}')),
  });
  const anyAnswer = fc.record({
    text: fc.string(),
    calls: fc.array(anyCall, { maxLength: 6 }),
    usd: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  type Answer = ReturnType<typeof anyAnswer.generate>['value'];

  it('only granted tools are called, within every bound, the run ends, and its events give its state again', () => {
    const rules = fc.record({
      maxRounds: fc.integer({ min: 1, max: 5 }),
      maxToolCalls: fc.integer({ min: 0, max: 8 }),
      maxParallel: fc.integer({ min: 1, max: 4 }),
      onExhausted: fc.constantFrom('fail', 'best'),
      withSchema: fc.boolean(),
    });
    fc.assert(
      fc.property(rules, fc.infiniteStream(anyAnswer), fc.infiniteStream(fc.boolean()), (rule, answers, breaks) => {
        const { withSchema, ...fields } = rule;
        const output = { type: 'object', required: ['score'], properties: { score: { type: 'integer' } } };
        const run = begun(graph({ ...fields, retry: { maxAttempts: 1 }, ...(withSchema && { output }) }));
        let [asked, called] = [0, 0];
        for (let [task] = run.tasks(); task !== undefined; [task] = run.tasks()) {
          expect(run.tasks().length).toBeLessThanOrEqual(rule.maxParallel);
          if (task.kind === 'llm') {
            asked += 1;
            const messages = (task.input as { messages: ChatMessage[] }).messages;
            const open = messages
              .flatMap((each) => (each.role === 'assistant' ? (each.toolCalls ?? []) : []))
              .map(({ id }) => id);
            const told = messages.flatMap((each) => (each.role === 'tool' ? [each.toolCallId] : []));
            expect(told).toEqual(open);
            expect(new Set(open).size).toBe(open.length);
            const { text, calls, usd } = answers.next().value as Answer;
            run.result(task.node, says(text, calls, usd));
          } else {
            called += 1;
            expect(['echo', 'delay']).toContain((task.input as JsonObject)['tool']);
            run.result(
              task.node,
              (breaks.next().value as boolean) ? failed('broken', false) : completed({ result: called }),
            );
          }
        }
        expect(['completed', 'failed']).toContain(run.state.status);
        expect(asked).toBeLessThanOrEqual(rule.maxRounds);
        expect(called).toBeLessThanOrEqual(rule.maxToolCalls);
        expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
      }),
      { numRuns: 150 },
    );
  });
});
