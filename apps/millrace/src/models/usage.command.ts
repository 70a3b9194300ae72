import { type UsageRow, usageQuerySchema } from '@millrace/contracts';
import type { Command } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { checked } from './read-json-file.js';

interface UsageFlags extends ConnectionFlags {
  readonly from?: string;
  readonly to?: string;
  readonly model?: string;
  readonly key?: string;
  readonly json?: boolean;
}

export function addUsageCommand(program: Command, terminal: Terminal): void {
  withConnection(program.command('usage'))
    .description(
      'What models were asked and what that cost, by day, model and key: the last 30 days unless said otherwise.',
    )
    .option('--from <day>', 'the first day, in UTC, as 2026-01-31')
    .option('--to <day>', 'the last day, in UTC')
    .option('--model <name>', 'one model only')
    .option('--key <id>', 'calls of one key only, from `keys list`')
    .option('--json', 'print the rows as JSON')
    .action(async ({ from, to, model, key, json, ...flags }: UsageFlags) => {
      const asked = Object.fromEntries(
        Object.entries({ from, to, model, key }).filter(([, text]) => text !== undefined),
      );
      const query = checked(asked, usageQuerySchema, 'This usage cannot be told.');
      const { items } = await connect(flags, terminal).models.readUsage(query);
      if (json) return printJson(terminal, items);
      await printTable(terminal, head, items.map(rowOf), 'Nothing was asked in this time.');
      const usd = items.reduce((sum, { costUsd }) => sum + costUsd, 0);
      if (items.length > 0) await write(terminal.out, `Together ${usdOf(usd)} US dollars.\n`);
    });
}

const head = ['day', 'model', 'key', 'answers', 'other', 'input', 'cached', 'output', 'usd'];

const rowOf = (row: UsageRow): string[] => [
  row.day,
  row.model,
  row.key ?? 'runs',
  ...[row.completions, row.otherAttempts, row.promptTokens, row.cachedPromptTokens, row.completionTokens].map(String),
  usdOf(row.costUsd),
];

const usdOf = (usd: number): string => usd.toFixed(6);
