/**
 * `npm run compose:env`: makes the passwords that docker-compose.yml asks for, in `.env` beside it. What is there already stays: the
 * volumes of Postgres know only those.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const path = join(root, '.env');
const present = existsSync(path) ? readFileSync(path, 'utf8') : '';
const asked = readFileSync(join(root, 'docker-compose.yml'), 'utf8').matchAll(/\$\{([A-Z_]+):\?/g);
const missing = [...new Set([...asked].map(([, name]) => name))].filter(
  (name) => !new RegExp(`^${name}=.`, 'm').test(present),
);
// Begins with a letter: nats-server takes what begins with a digit for a number.
const lines = missing.map((name) => `${name}=p${randomBytes(24).toString('hex')}\n`);
const separator = present === '' || present.endsWith('\n') ? '' : '\n';
appendFileSync(path, separator + lines.join(''), { mode: 0o600 });
chmodSync(path, 0o600);
process.stdout.write(`${path}: ${missing.length} passwords made, the others left as they are.\n`);
