/**
 * What must hold of whatever the chart renders, whichever values are given. Each rule names itself, finds its problems in the resources,
 * and has a fault that it must find: `plant` breaks good resources, and a rule that stays silent then is no rule.
 */
import { workloadRules } from './workload-rules.js';
import { surroundingRules } from './surrounding-rules.js';

/**
 * @typedef {object} Rule
 * @property {string} name
 * @property {(resources: object[]) => string[]} problems
 * @property {(resources: object[]) => void} plant changes resources that are right so that the rule must find something
 */

/** @type {Rule[]} */
const rules = [...workloadRules, ...surroundingRules];

/** @returns {string[]} every problem of every rule */
export const problemsOf = (resources) =>
  rules.flatMap((rule) => rule.problems(resources).map((problem) => `${rule.name}: ${problem}`));

/** @returns {string[]} the rules that do not find their planted fault */
export const blindRules = (resources) =>
  rules
    .filter((rule) => {
      const faulty = structuredClone(resources);
      rule.plant(faulty);
      return rule.problems(resources).length > 0 || rule.problems(faulty).length === 0;
    })
    .map((rule) => `the rule "${rule.name}" does not find the fault that was planted for it`);
