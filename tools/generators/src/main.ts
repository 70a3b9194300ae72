/** Writes `docs/reference` from the contracts; with `--check` it only says what is not current, and fails. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mistakesIn } from './check-documents.js';
import { differenceTo, writeDocuments } from './document-folder.js';
import { referenceDocuments } from './reference-documents.js';

const folder = fileURLToPath(new URL('../../../docs/reference', import.meta.url));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const documents = referenceDocuments();
const mistakes = await mistakesIn(documents);
for (const mistake of mistakes) say(`invalid: ${mistake}`);
const { outdated, stale } = values.check
  ? await differenceTo(folder, documents)
  : await writeDocuments(folder, documents);
for (const path of outdated) say(`${values.check ? 'not current' : 'written'}: docs/reference/${path}`);
for (const path of stale) say(`${values.check ? 'belongs to nothing' : 'removed'}: docs/reference/${path}`);
const isCurrent = !values.check || outdated.length + stale.length === 0;
if (!isCurrent) say('Run "npm run generate" and commit docs/reference.');
if (isCurrent && mistakes.length === 0) say(`${documents.size} reference documents are valid and current.`);
process.exitCode = isCurrent && mistakes.length === 0 ? 0 : 1;
