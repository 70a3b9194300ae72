/** The graphs of the load, published before it begins: what a run may hold, in small. */
import { effectToolName } from '../effects/effect-tool.js';

/** What runs of `chaos-waits` wait for. */
export const signalName = 'go';

type Node = Readonly<Record<string, unknown>>;

interface Graph {
  readonly name: string;
  readonly document: Readonly<Record<string, unknown>>;
}

const quickly = { maxAttempts: 8, backoff: { initial: '100ms', max: '1s', factor: 2 } };

const graph = (name: string, description: string, nodes: readonly Node[], more: object = {}): Graph => ({
  name,
  document: { apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name, description }, nodes, ...more },
});

/** `place` tells items and rounds of one node apart: an expression, or a text. */
const effect = (id: string, options: { needs?: string[]; place?: string; more?: object } = {}): Node => ({
  id,
  kind: 'tool',
  needs: options.needs ?? [],
  retry: quickly,
  with: {
    tool: effectToolName,
    arguments: { run: '${{ run.id }}', node: options.place ?? id, key: 'charge', ...options.more },
  },
});

const echo = (id: string, needs: string[] = [], more: object = {}): Node => ({
  id,
  kind: 'tool',
  needs,
  retry: quickly,
  with: { tool: 'echo', arguments: { bytes: 300, ...more } },
});

const delay = (id: string, milliseconds: number, more: object = {}): Node => ({
  id,
  kind: 'tool',
  retry: quickly,
  with: { tool: 'delay', arguments: { milliseconds } },
  ...more,
});

/** The provider finds run and node in the prompt again. */
const llm = (id: string, needs: string[], place = id): Node => ({
  id,
  kind: 'llm',
  needs,
  retry: quickly,
  with: { messages: [{ role: 'user', content: `Write for {run:\${{ run.id }} node:${place}}.` }] },
});

const inItems = (name: string): string => `${name}[\${{ string(index) }}]`;
const inRounds = (name: string): string => `${name}[\${{ string(round) }}]`;

export const chaosGraphs: readonly Graph[] = [
  graph('chaos-effects', 'Effects one after the other, and many at once.', [
    effect('first'),
    {
      id: 'each',
      kind: 'map',
      needs: ['first'],
      over: [1, 2, 3, 4],
      maxParallel: 3,
      nodes: [effect('charge', { place: inItems('each') })],
    },
    { id: 'all', kind: 'combine', needs: ['first', 'each'] },
    { id: 'said', kind: 'emit', needs: ['all'], event: 'charged', with: { run: '${{ run.id }}' } },
    effect('last', { needs: ['said'] }),
  ]),
  graph('chaos-retries', 'Effects that are refused at first, so that timers bring the next attempts.', [
    effect('stubborn', { more: { failFirst: 2, takesMs: 150 } }),
    effect('more', { needs: ['stubborn'], more: { failFirst: 3, takesMs: 80 } }),
  ]),
  graph(
    'chaos-writing',
    'What content does, in small: search, outline, sections at once, a score, an effect.',
    [
      {
        id: 'find',
        kind: 'search',
        retry: quickly,
        with: { collection: 'chaos', query: 'durable events', limit: 3, allowEmpty: true },
      },
      llm('outline', ['find']),
      {
        id: 'sections',
        kind: 'map',
        needs: ['outline'],
        over: ['a', 'b'],
        as: 'section',
        nodes: [llm('draft', [], inItems('sections') + '.draft')],
        output: '${{ nodes.draft.output.text }}',
      },
      {
        id: 'score',
        kind: 'evaluate',
        needs: ['sections'],
        retry: quickly,
        onError: 'continue',
        with: { suite: 'quality', article: { title: 'Chaos', description: 'In small.', markdown: '# Chaos\n\nText.' } },
      },
      effect('publish', { needs: ['score'] }),
    ],
    { output: '${{ nodes.sections.output }}' },
  ),
  graph('chaos-rounds', 'A loop whose rounds have an effect each.', [
    {
      id: 'revise',
      kind: 'loop',
      maxRounds: 5,
      until: '${{ round >= 2 }}',
      nodes: [echo('draft'), effect('charge', { needs: ['draft'], place: inRounds('revise') })],
      output: '${{ nodes.charge.output.result.receipt }}',
    },
    echo('done', ['revise']),
  ]),
  graph('chaos-timers', 'A step that takes too long for its timeout, and goes on without it.', [
    delay('slow', 20_000, { timeout: { total: '700ms' }, onError: 'continue' }),
    echo('after', ['slow']),
    effect('charge', { needs: ['after'] }),
  ]),
  graph('chaos-large', 'Payloads that are too large for a message, out of tasks and into them.', [
    echo('made', [], { bytes: 400_000 }),
    {
      id: 'carried',
      kind: 'tool',
      needs: ['made'],
      retry: quickly,
      with: { tool: 'echo', arguments: { first: '${{ nodes.made.output.result.payload }}', second: 'and more' } },
    },
    effect('charge', { needs: ['carried'] }),
  ]),
  graph('chaos-waits', 'Waits for a time, for a signal and for a decision that the deadline makes.', [
    { id: 'pause', kind: 'wait', for: '600ms' },
    {
      id: 'go',
      kind: 'wait',
      needs: ['pause'],
      signal: { name: signalName },
      timeout: { total: '20s' },
      onError: 'continue',
    },
    effect('charge', { needs: ['go'] }),
    {
      id: 'review',
      kind: 'approval',
      needs: ['charge'],
      title: 'Go on?',
      assignees: ['role:admin'],
      deadline: '2s',
      onTimeout: 'approve',
    },
    effect('last', { needs: ['review'] }),
  ]),
  graph('chaos-long', 'Steps of seconds, to be cancelled or to outlive what happens meanwhile.', [
    {
      id: 'wait',
      kind: 'map',
      over: [1, 2, 3],
      nodes: [delay('nap', 1_500)],
    },
    effect('charge', { needs: ['wait'] }),
  ]),
];
