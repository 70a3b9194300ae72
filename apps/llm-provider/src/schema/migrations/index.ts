import type { Migrations } from '@millrace/database';
import { completion } from './0001-completion.js';

export const migrations: Migrations = {
  '0001_completion': completion,
};
