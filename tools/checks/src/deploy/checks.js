/** The checks of `npm run check:deploy`. */
import { chartChecks } from './chart/check-chart.js';
import { composeChecks } from './compose/check-compose.js';
import { imageChecks } from './image/check-image.js';
import { observabilityChecks } from './observability/check-observability.js';

/** @type {import('../run-checks.js').Check[]} */
export const checks = [...composeChecks, ...imageChecks, ...chartChecks, ...observabilityChecks];
