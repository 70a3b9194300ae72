import { modelRouteSchema, type ModelRoute, type RouteTarget } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { type Command, Option } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson, printTable } from '../terminal/print.js';
import { printableLine } from '../terminal/printable.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { checked, readJsonFile } from './read-json-file.js';

interface Flags extends ConnectionFlags {
  readonly json?: boolean;
}

interface PutFlags extends Flags {
  readonly target?: readonly string[];
  readonly fallback?: readonly string[];
  readonly strategy?: ModelRoute['strategy'];
}

const newRouteSchema = modelRouteSchema.omit({ name: true });

export function addRoutesCommand(program: Command, terminal: Terminal): void {
  const routes = program.command('routes').description('Several models behind one name, called as route:NAME.');

  withConnection(routes.command('list'))
    .description('Lists routes by name, those of the installation included.')
    .option('--json', 'print the routes as JSON')
    .action(async ({ json, ...flags }: Flags) => {
      const { items } = await connect(flags, terminal).models.listModelRoutes();
      if (json) return printJson(terminal, items);
      const rows = items.map(({ name, strategy, targets, fallback, origin }) => [
        ...[`route:${name}`, strategy, namesOf(targets), namesOf(fallback), origin],
      ]);
      return printTable(terminal, ['route', 'strategy', 'targets', 'fallback', 'of'], rows, 'There are no routes.');
    });

  withConnection(routes.command('put'))
    .description('Adds a route over providers of your own, or replaces the one of this name.')
    .argument('<name>', 'what follows route: when it is called')
    .argument('[file]', 'a JSON file with the route: targets, limits, hedge, and what else the HTTP API takes')
    .option('--target <model...>', 'without a file: models that share the calls, as PROVIDER/MODEL')
    .option('--fallback <model...>', 'without a file: models that are asked when no target is left')
    .addOption(
      new Option('--strategy <name>', 'without a file: who is asked first').choices(
        newRouteSchema.shape.strategy.unwrap().options,
      ),
    )
    .option('--json', 'print the route as JSON')
    .action(async (name: string, file: string | undefined, { json, ...flags }: PutFlags) => {
      const route = await routeOf(file, flags, terminal.folder);
      const stored = await connect(flags, terminal).models.putModelRoute(name, route);
      if (json) return printJson(terminal, stored);
      return write(terminal.out, `route:${stored.name} goes to ${printableLine(namesOf(stored.targets))}.\n`);
    });

  withConnection(routes.command('delete'))
    .description('Forgets a route.')
    .argument('<name>', 'what follows route: when it is called')
    .option('--json', 'print what was done as JSON')
    .action(async (name: string, { json, ...flags }: Flags) => {
      await connect(flags, terminal).models.deleteModelRoute(name);
      return json ? printJson(terminal, { name, deleted: true }) : write(terminal.out, `route:${name} is forgotten.\n`);
    });
}

/** @throws MillraceError `invalid_input`, `unreadable_file` */
async function routeOf(file: string | undefined, flags: PutFlags, folder: string): Promise<Omit<ModelRoute, 'name'>> {
  const { target, fallback, strategy } = flags;
  const isInFile = file !== undefined;
  if (isInFile === (target !== undefined)) {
    throw invalidInput('invalid_input', 'Name a file with the route, or its models with --target, and not both.');
  }
  if (isInFile && (fallback !== undefined || strategy !== undefined)) {
    throw invalidInput('invalid_input', 'The file says all of the route: leave out --fallback and --strategy.');
  }
  if (isInFile) return readJsonFile(file, newRouteSchema, folder);
  const toModel = (model: string): object => ({ model });
  const route = { targets: target?.map(toModel), fallback: fallback?.map(toModel), strategy };
  return checked(route, newRouteSchema, 'This is no route.');
}

const namesOf = (targets: readonly RouteTarget[]): string => targets.map(({ model }) => model).join(', ');
