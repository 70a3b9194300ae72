/** Runs that together have every kind of node, every policy and every event: recorded once, and replayed for ever. */
import { agentScenarios } from './agent-scenarios.js';
import { nodeScenarios } from './node-scenarios.js';
import { policyScenarios } from './policy-scenarios.js';
import { roomScenarios } from './room-scenarios.js';
import type { Scenarios } from './scenario-parts.js';
import { threadScenarios } from './thread-scenarios.js';

export const scenarios: Scenarios = {
  ...nodeScenarios,
  ...agentScenarios,
  ...policyScenarios,
  ...threadScenarios,
  ...roomScenarios,
};
