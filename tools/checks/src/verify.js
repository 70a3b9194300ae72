/** `npm run verify`: every check that is not a test. */
import { checks } from './checks.js';
import { runChecks } from './run-checks.js';

await runChecks(checks);
