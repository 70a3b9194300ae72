/** Writes what follows from the contracts, and the chart's copies; with `--check` it only says what is not current, and fails. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mistakesIn } from './check-documents.js';
import { copiedDocuments } from './copied-documents.js';
import { deploymentDocuments } from './deployment-documents.js';
import { differenceTo, writeDocuments } from './document-folder.js';
import { referenceDocuments } from './reference-documents.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const reference = referenceDocuments();
const chartFiles = 'deploy/helm/millrace/files';
const inRepository = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const outputs = [
  { path: 'docs/reference', documents: reference },
  { path: `${chartFiles}/generated`, documents: deploymentDocuments() },
  { path: `${chartFiles}/alerts`, documents: await copiedDocuments(inRepository('deploy/alerts'), '.yaml') },
  { path: `${chartFiles}/dashboards`, documents: await copiedDocuments(inRepository('deploy/dashboards'), '.json') },
];
const mistakes = await mistakesIn(reference);
for (const mistake of mistakes) say(`invalid: ${mistake}`);
let isCurrent = true;
for (const { path, documents } of outputs) {
  const folder = inRepository(path);
  const { outdated, stale } = values.check
    ? await differenceTo(folder, documents)
    : await writeDocuments(folder, documents);
  for (const name of outdated) say(`${values.check ? 'not current' : 'written'}: ${path}/${name}`);
  for (const name of stale) say(`${values.check ? 'belongs to nothing' : 'removed'}: ${path}/${name}`);
  if (values.check && outdated.length + stale.length > 0) {
    isCurrent = false;
    say(`Run "npm run generate" and commit ${path}.`);
  }
}
const count = outputs.reduce((sum, { documents }) => sum + documents.size, 0);
if (isCurrent && mistakes.length === 0) say(`${count} generated documents are valid and current.`);
process.exitCode = isCurrent && mistakes.length === 0 ? 0 : 1;
