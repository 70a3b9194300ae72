import type { Migrations } from '@millrace/database';
import { completion } from './0001-completion.js';
import { provider } from './0002-provider.js';
import { callsInOneStatement } from './0005-calls-in-one-statement.js';
import { everyAttempt } from './0006-every-attempt.js';
import { routesAndPrices } from './0007-routes-and-prices.js';
import { spending } from './0004-spending.js';
import { targetWindow } from './0003-target-window.js';

export const migrations: Migrations = {
  '0001_completion': completion,
  '0002_provider': provider,
  '0003_target_window': targetWindow,
  '0004_spending': spending,
  '0005_calls_in_one_statement': callsInOneStatement,
  '0006_every_attempt': everyAttempt,
  '0007_routes_and_prices': routesAndPrices,
};
