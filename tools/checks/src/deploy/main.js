/** `npm run check:deploy`: everything under `deploy/`, checked with the programs that will read it. */
import { runChecks } from '../run-checks.js';
import { checks } from './checks.js';

await runChecks(checks);
