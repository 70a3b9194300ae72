import { jsonSchemaOf, openApiDocument } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { graphJsonSchema } from '@millrace/workflow';
import { stringify } from 'yaml';
import { asyncApiDocument } from './async-api.js';
import { metricsPage } from './metrics-page.js';
import { keyOf, type KnownContracts, knownContracts } from './known-contracts.js';

/** The reference documents by their path inside `docs/reference`. The same contracts give the same text. */
export function referenceDocuments(): ReadonlyMap<string, string> {
  const contracts = knownContracts();
  return new Map([
    ['metrics.md', metricsPage()],
    ['openapi.json', json(openApiDocument())],
    ['asyncapi.yaml', stringify(asyncApiDocument(contracts), { aliasDuplicateObjects: false, lineWidth: 120 })],
    ...[...schemasOf(contracts)].map(([name, schema]): [string, string] => [`schemas/${name}.json`, json(schema)]),
  ]);
}

function* schemasOf({ commands, tasks, events }: KnownContracts): Generator<[string, JsonObject]> {
  yield ['graph', titled('graph', 'A graph document.', graphJsonSchema())];
  for (const command of commands) {
    const key = keyOf(command);
    yield [`${key}.request`, titled(key, command.summary, jsonSchemaOf(command.request, 'input'))];
    yield [`${key}.response`, titled(key, command.summary, jsonSchemaOf(command.response, 'output'))];
  }
  for (const task of tasks) {
    const key = keyOf(task);
    yield [`${key}.input`, titled(key, task.summary, jsonSchemaOf(task.input, 'input'))];
    yield [`${key}.output`, titled(key, task.summary, jsonSchemaOf(task.output, 'output'))];
  }
  for (const event of events) {
    yield [`${keyOf(event)}.data`, titled(keyOf(event), event.summary, jsonSchemaOf(event.data, 'output'))];
  }
}

const titled = (title: string, description: string, schema: JsonObject): JsonObject => ({
  title,
  description,
  ...schema,
});

const json = (document: JsonObject): string => `${JSON.stringify(document, null, 2)}\n`;
