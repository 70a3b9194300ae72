/** The models of an installation as a file: providers, prices, and which model answers where none is named. */
import { modelNameSchema, newProviderSchema, type ProviderKind, violationsOf } from '@millrace/contracts';
import { MillraceError, type Violation } from '@millrace/kernel';
import { parse } from 'yaml';
import { z } from 'zod';
import { priceSchema, type Price } from '../ledger/price.js';
import { routeSchema, type Route } from '../routing/route.js';
import { defaultBaseUrls } from '../providers/open-provider.js';

/** A provider of the installation, for every tenant. */
export interface ConfiguredProvider {
  readonly name: string;
  readonly kind: ProviderKind;
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly models: readonly string[];
  readonly concurrency: number;
}

export interface ModelsFile {
  /** Answers where a task names no model; null for the extractive one. */
  readonly defaultModel: string | null;
  readonly providers: readonly ConfiguredProvider[];
  readonly prices: readonly Price[];
  readonly routes: readonly Route[];
}

const fileSchema = z.strictObject({
  default: modelNameSchema.optional(),
  providers: z
    .array(
      newProviderSchema.omit({ apiKey: true }).extend({
        /** The name of the environment's variable that holds the key: a file gets copied, a key must not. */
        apiKeyVariable: z
          .string()
          .regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'must be the name of a variable')
          .optional(),
      }),
    )
    .max(100)
    .default([]),
  prices: z.array(priceSchema).max(10_000).default([]),
  routes: z.array(routeSchema).max(1_000).default([]),
});

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param others names of providers that stand elsewhere, which routes may have targets of
 * @throws MillraceError `invalid_configuration` with a pointer into the file for each mistake; it shows no value of a variable.
 */
export function readModelsFile(text: string, environment: Environment, others: readonly string[] = []): ModelsFile {
  const parsed = fileSchema.safeParse(parseYaml(text));
  if (!parsed.success) throw wrong(violationsOf(parsed.error));
  const { default: defaultModel = null, prices, routes } = parsed.data;
  const violations: Violation[] = [];
  const providers = parsed.data.providers.map(({ apiKeyVariable, baseUrl, ...provider }, index) => {
    const address = baseUrl ?? defaultBaseUrls[provider.kind];
    const apiKey = apiKeyVariable === undefined ? null : environment[apiKeyVariable];
    const at = `/providers/${index}`;
    if (address === null) violations.push({ pointer: `${at}/baseUrl`, message: `is needed for ${provider.kind}` });
    if (apiKey === undefined || apiKey === '')
      violations.push({ pointer: `${at}/apiKeyVariable`, message: 'names a variable that is not set' });
    return { ...provider, baseUrl: address ?? '', apiKey: apiKey ?? null };
  });
  violations.push(...repeated('providers', providers), ...repeated('routes', routes));
  providers.forEach(({ name }, index) => {
    if (others.includes(name))
      violations.push({ pointer: `/providers/${index}/name`, message: 'is taken by MILLRACE_GGUF' });
  });
  violations.push(...unknownTargets(routes, new Set([...others, ...providers.map(({ name }) => name)])));
  if (violations.length > 0) throw wrong(violations);
  return { defaultModel, providers, prices, routes };
}

const repeated = (list: string, named: readonly { readonly name: string }[]): Violation[] =>
  named.flatMap(({ name }, index) =>
    named.findIndex((other) => other.name === name) === index
      ? []
      : [{ pointer: `/${list}/${index}/name`, message: 'is there more than once' }],
  );

const unknownTargets = (routes: readonly Route[], providers: ReadonlySet<string>): Violation[] =>
  routes.flatMap((route, at) =>
    (['targets', 'fallback'] as const).flatMap((list) =>
      route[list].flatMap(({ model }, index) =>
        providers.has(model.split('/', 1)[0] ?? '')
          ? []
          : [{ pointer: `/routes/${at}/${list}/${index}/model`, message: 'is of no provider in this file' }],
      ),
    ),
  );

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw wrong([{ pointer: '', message: `is no YAML: ${(error as Error).message.split('\n', 1)[0]}` }]);
  }
}

function wrong(violations: readonly Violation[]): MillraceError {
  const lines = violations.map(({ pointer, message }) => `  ${pointer === '' ? 'it' : pointer} ${message}`);
  const message = ['The file of MILLRACE_LLM_MODELS_FILE is wrong:', ...lines].join('\n');
  return new MillraceError('invalid', 'invalid_configuration', message, { violations });
}
