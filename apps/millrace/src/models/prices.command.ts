import { type ModelPrice, modelPriceSchema, newPricesSchema } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { type Command, InvalidArgumentError } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal } from '../terminal/terminal.js';
import { checked, readJsonFile } from './read-json-file.js';

interface Flags extends ConnectionFlags {
  readonly json?: boolean;
}

interface PutFlags extends Flags {
  readonly model?: string;
  readonly input?: number;
  readonly cached?: number;
  readonly output?: number;
  readonly from?: string;
}

type Price = ModelPrice & { readonly origin: string };

export function addPricesCommand(program: Command, terminal: Terminal): void {
  const prices = program.command('prices').description('What models cost, in US dollars for a million tokens.');

  withConnection(prices.command('list'))
    .description('Lists prices by model and day; a model without one costs nothing.')
    .option('--json', 'print the prices as JSON')
    .action(async ({ json, ...flags }: Flags) => {
      const { items } = await connect(flags, terminal).models.listPrices();
      return json ? printJson(terminal, items) : printPrices(terminal, items);
    });

  withConnection(prices.command('put'))
    .description('Says what models of your own providers cost: one of them, or, by a file, all of them.')
    .argument('[file]', 'a JSON file {"items": […]}, which replaces every price that was said before')
    .option('--model <name>', 'without a file: PROVIDER/MODEL, whose other prices stay')
    .option('--input <usd>', 'for a million tokens of input', usdOf)
    .option('--cached <usd>', 'for a million tokens of input that the provider had cached', usdOf)
    .option('--output <usd>', 'for a million tokens of output', usdOf)
    .option('--from <day>', 'the first day of the price, in UTC, as 2026-01-31')
    .option('--json', 'print all prices as they are now as JSON')
    .action(async (file: string | undefined, { json, ...flags }: PutFlags) => {
      const { model, input, cached, output, from } = flags;
      const given = [model, input, cached, output, from].some((value) => value !== undefined);
      if ((file !== undefined) === given) {
        throw invalidInput('invalid_input', 'Name a file with all prices, or one with --model, --input and --output.');
      }
      const { models } = connect(flags, terminal);
      const wanted =
        file === undefined
          ? { items: withPrice(priceOf(flags), (await models.listPrices()).items) }
          : await readJsonFile(file, newPricesSchema, terminal.folder);
      const { items } = await models.setPrices(wanted);
      return json ? printJson(terminal, items) : printPrices(terminal, items);
    });
}

/** @throws MillraceError `invalid_input` */
function priceOf({ model, input, cached, output, from }: PutFlags): ModelPrice {
  if (model === undefined || input === undefined || output === undefined) {
    throw invalidInput('invalid_input', 'A price has a --model, what --input costs, and what --output costs.');
  }
  const price = {
    model,
    ...(from !== undefined && { from }),
    inputUsdPerMillion: input,
    ...(cached !== undefined && { cachedInputUsdPerMillion: cached }),
    outputUsdPerMillion: output,
  };
  return checked(price, modelPriceSchema, 'This is no price.');
}

/** The tenant's own prices with another one, in place of that of the same model and day. */
function withPrice(price: ModelPrice, all: readonly Price[]): ModelPrice[] {
  const own = all.filter(({ origin }) => origin === 'tenant').map(({ origin: _origin, ...each }) => each);
  return [...own.filter(({ model, from }) => model !== price.model || from !== price.from), price];
}

function printPrices(terminal: Terminal, items: readonly Price[]): Promise<void> {
  const rows = items.map((price) => [
    price.model,
    price.from ?? 'always',
    String(price.inputUsdPerMillion),
    String(price.cachedInputUsdPerMillion ?? price.inputUsdPerMillion),
    String(price.outputUsdPerMillion),
    price.origin,
  ]);
  return printTable(terminal, ['model', 'from', 'input', 'cached', 'output', 'of'], rows, 'There are no prices.');
}

function usdOf(text: string): number {
  const usd = Number(text);
  if (/^\d{1,7}(\.\d{1,9})?$/.test(text) && usd <= 1_000_000) return usd;
  throw new InvalidArgumentError('It must be US dollars from 0 to 1000000, as 0.25.');
}
