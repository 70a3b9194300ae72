/** Every bound of graph documents and of what the engine does for one run. Beyond each stands a clear error. */
export const limits = {
  /** Characters of a graph's source text. */
  sourceLength: 262_144,
  /** Levels of objects and lists in a graph document. */
  documentDepth: 64,
  /** Values (objects, lists and scalars) in a graph document. */
  documentValues: 50_000,
  /** Characters of the JSON pointer to a value of a graph document. */
  pathLength: 2_000,
  /** Uses of YAML's anchors in a graph's source text. */
  aliases: 500,
  /** Nodes of a graph, those inside of maps and loops included. */
  nodes: 1_000,
  /** Graphs inside of each other. */
  subgraphDepth: 5,
  /** Maps and loops inside of each other. */
  containerDepth: 4,
  /** Expressions in a graph. */
  expressions: 5_000,
  /** Characters of one expression. */
  expressionLength: 4_000,
  /** Syntax nodes of one expression. */
  expressionNodes: 500,
  /** Levels of nesting in one expression. */
  expressionDepth: 40,
  /** Units of work for one template: about one for each step of an expression, 20 to 100 ns each. */
  templateCost: 500_000,
  /** Units of work for everything that one message sets going. */
  decisionCost: 5_000_000,
  /** Characters of one text that an expression makes. */
  textLength: 4_000_000,
  /** Elements of one list that an expression makes. */
  listLength: 100_000,
  /** Violations that are reported at once. */
  violations: 100,
  /** Characters of what is said of one. */
  messageLength: 1_000,
  /** Fields of objects whose types are known to the checks of a graph's expressions; the others may be anything. */
  typedFields: 150_000,
  /** Schemas that are compiled to check the defaults in the descriptions of a graph's input and forms. */
  defaultSchemas: 5_000,
  mapItems: 1_000,
  /** Cases of a branch. */
  cases: 50,
  loopRounds: 1_000,
  /** Tools that an agent may be granted; a model is offered one more, by which it ends. */
  agentTools: 127,
  /** How often an agent's model is asked, and how many tool calls it may make. */
  agentRounds: 100,
  agentToolCalls: 1_000,
  /** Tool calls of one answer. */
  agentCallsInRound: 128,
  /** Characters of a tool call's arguments. */
  agentArgumentsLength: 65_536,
  /** Characters of what a tool answers that a model is told. */
  agentResultLength: 20_000,
  /** Characters of all that was said and done after an agent's task, as a model is told it. */
  agentConversationLength: 400_000,
  /** Steps that one run may begin, map items and loop rounds included. */
  steps: 10_000,
  attempts: 20,
  /** The longest wait that a failed attempt may ask for, in milliseconds. */
  retryDelayMs: 3_600_000,
  /** The longest wait and time limit, in milliseconds: 366 days. */
  waitMs: 31_622_400_000,
  /** How long somebody has to find out whether an effect happened, in milliseconds: 30 days. */
  reconciliationMs: 2_592_000_000,
  /** Keys that one node may share with others, and how many may hold one of them at a time. */
  concurrencyKeys: 4,
  concurrency: 10_000,
  /** Characters of such a key. */
  concurrencyKeyLength: 200,
  /** Characters of a cache key. */
  cacheKeyLength: 1_000,
  /** US dollars that a graph can state. */
  usd: 1_000_000,
  /** Characters of an approval's title. */
  titleLength: 500,
  /** Characters, as JSON, of what an approval shows to whoever decides. */
  contextLength: 65_536,
  /** How often one run is retried. */
  retries: 100,
  /** Signals that one run takes. */
  signals: 1_000,
  /** Bytes, as JSON, and levels of the state of a thread. */
  threadStateBytes: 262_144,
  threadStateDepth: 32,
} as const;
