/** Checks of `agent` nodes: the tools that they grant, and the schema of their answer. */
import { citationSchema } from '@millrace/contracts';
import {
  anyType,
  integerType,
  listOf,
  objectOfTypes,
  stringType,
  typeOfSchema,
  typeOfZod,
  type ValueType,
} from '../expression/types.js';
import { flawsOfTools } from './check-agent-tools.js';
import { checkInputSchema } from './check-input-schema.js';
import { isFull, type Findings, type Path } from './check-templates.js';
import type { AgentNode } from './graph-document.js';

/** Reports what is wrong with the tools and the schema of an agent. */
export function checkAgentFields(findings: Findings, node: AgentNode, path: Path): void {
  const schema =
    node.output === undefined ? [] : checkInputSchema(node.output, findings.defaultSchemas, [...path, 'output']);
  for (const { pointer, message } of [...flawsOfTools(node, [...path, 'tools'], findings), ...schema]) {
    if (!isFull(findings)) findings.violations.push({ pointer, message });
  }
}

/** The type of an agent's output. */
export const outputOfAgent = ({ output, onExhausted }: AgentNode): ValueType =>
  objectOfTypes([
    ['text', stringType],
    // Without an answer there is no JSON.
    ['json', output === undefined || onExhausted === 'best' ? anyType : typeOfSchema(output)],
    ['reason', stringType],
    ['finished', { kind: 'boolean' }],
    ['rounds', integerType],
    ['toolCalls', integerType],
    ['citations', listOf(typeOfZod(citationSchema))],
    ['model', anyType],
  ]);
