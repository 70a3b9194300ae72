/** LangGraph JS: a library in the process of its caller; each step's checkpoint is in Postgres before the next begins. */
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { setTimeout as pause } from 'node:timers/promises';
import { fanoutStepMs, fanoutWidth, serve, stepOutput } from './protocol.js';

const checkpointer = PostgresSaver.fromConnString(process.env.POSTGRES_URL);
await checkpointer.setup();

const channels = (names) => Annotation.Root(Object.fromEntries(['id', ...names].map((name) => [name, Annotation()])));
/** A node may not be called like a channel. */
const nodeOf = (name) => `do-${name}`;
const step = (graph, name, waitMs = 0) =>
  graph.addNode(nodeOf(name), async () => {
    if (waitMs > 0) await pause(waitMs);
    return { [name]: stepOutput(name) };
  });

function graphOf(first, middle, after, waitMs) {
  const graph = new StateGraph(channels([first, ...middle, ...after]));
  step(graph, first);
  for (const name of middle) step(graph, name, waitMs);
  for (const name of after) step(graph, name);
  graph.addEdge(START, nodeOf(first));
  for (const name of middle) graph.addEdge(nodeOf(first), nodeOf(name));
  const [next, ...rest] = after;
  graph.addEdge(middle.map(nodeOf), nodeOf(next));
  let last = next;
  for (const name of rest) {
    graph.addEdge(nodeOf(last), nodeOf(name));
    last = name;
  }
  graph.addEdge(nodeOf(last), END);
  return graph.compile({ checkpointer });
}

const middle = Array.from({ length: fanoutWidth }, (_, index) => `step-${index}`);
const diamond = graphOf('a', ['b', 'c', 'd'], ['e', 'f'], 0);
const fanout = graphOf('first', middle, ['last'], fanoutStepMs);
const run = (graph, last) => async (id) => {
  const state = await graph.invoke({ id }, { configurable: { thread_id: `${last}-${id}` }, durability: 'sync' });
  return state[last];
};
await serve({ diamond: run(diamond, 'f'), fanout: run(fanout, 'last') }, () => checkpointer.end());
