import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import type { AnswerCache } from '@millrace/contracts';
import { invalidInput, MillraceError } from '@millrace/kernel';
import type { Cache } from '@millrace/cache';
import { CONFIG } from '@millrace/service';
import { ANSWER_CACHE } from '../caching/answer-cache.provider.js';
import { CachedModel } from '../caching/cached-model.js';
import { Inject, Injectable } from '@nestjs/common';
import type { CompletionModel } from '../completion/completion-model.js';
import { ProviderCompletionModel } from '../completion/provider-completion-model.js';
import type { LlmProviderConfig } from '../config.js';
import { extractiveModel } from '../extractive/extractive-model.js';
import { GgufModels } from '../gguf/gguf.provider.js';
import { type GgufSettings, ggufProvider } from '../gguf/gguf-settings.js';
import type { ChatModel } from '../providers/chat-model.js';
import { openProvider, type OpenProvider } from '../providers/open-provider.js';
import type { RerankingModel } from '../providers/reranking.js';
import { ProviderModel, type ProviderModelOptions } from '../providers/provider-model.js';
import { Payments } from '../spending/payments.js';
import type { Route, RouteTarget } from '../routing/route.js';
import { RoutedModel } from '../routing/routed-model.js';
import type { Target } from '../routing/target.js';
import { TargetOpener } from '../routing/target-opener.js';
import { Believed, keep } from './believed.js';
import { ModelRouteStore, type StoredRoute } from './model-route.store.js';
import type { ConfiguredProvider } from './models-file.js';
import { ProviderStore, type StoredProvider } from './provider.store.js';
import { unknownModel } from './unknown-model.js';

/** Models kept open; beyond them the one that was opened first is opened again when it is needed. */
const mostOpen = 1_000;

const routePrefix = 'route:';

/** A provider with what tells it from its earlier versions and from those of other tenants. */
interface KnownProvider extends Omit<ConfiguredProvider, 'apiKey' | 'kind'> {
  readonly kind: ConfiguredProvider['kind'] | typeof ggufProvider;
  readonly identity: string;
  readonly key: () => string | null;
}

/** Every model that a tenant can name. Each is opened once, so that its circuit and its slots are known to all its callers. */
@Injectable()
export class ModelCatalogue {
  private readonly ownProviders: Believed<readonly KnownProvider[]>;
  private readonly ownRoutes: Believed<readonly StoredRoute[]>;
  private readonly opened = new Map<string, Promise<OpenProvider>>();
  private readonly models = new Map<string, ChatModel>();
  private readonly completionModels = new WeakMap<ChatModel, ProviderCompletionModel>();
  private readonly routes = new Map<string, Promise<ChatModel>>();
  private readonly installed: readonly KnownProvider[];

  constructor(
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
    @Inject(ProviderStore) private readonly store: ProviderStore,
    @Inject(ModelRouteStore) routeStore: ModelRouteStore,
    @Inject(TargetOpener) private readonly targets: TargetOpener,
    @Inject(Payments) private readonly payments: Payments,
    @Inject(ANSWER_CACHE) private readonly answers: Cache,
    @Inject(GgufModels) private readonly gguf: GgufModels,
  ) {
    const configured = config.providers.map((provider) => ({
      ...provider,
      identity: provider.name,
      key: () => provider.apiKey,
    }));
    this.installed = config.gguf === null ? configured : [...configured, knownGguf(config.gguf)];
    this.ownProviders = new Believed(async (tenantId) =>
      (await store.list(tenantId)).map((provider) => this.knownOf(provider)),
    );
    this.ownRoutes = new Believed((tenantId) => routeStore.routes(tenantId));
  }

  /** The model that answers tasks of this name; the configured one where they name none. @throws as `chatModel` */
  async completionModel(tenantId: string, name: string | undefined): Promise<CompletionModel> {
    const wanted = name ?? this.config.defaultModel ?? extractiveModel.name;
    if (wanted === extractiveModel.name) return extractiveModel;
    const model = await this.chatModel(tenantId, wanted);
    const known = this.completionModels.get(model);
    if (known !== undefined) return known;
    const opened = new ProviderCompletionModel(model);
    this.completionModels.set(model, opened);
    return opened;
  }

  /** @throws MillraceError `unknown_model` where the tenant has no provider of that name; `unknown_model_route`; `secret_unreadable` */
  async chatModel(tenantId: string, name: string): Promise<ChatModel> {
    if (name.startsWith(routePrefix)) return this.route(tenantId, name.slice(routePrefix.length));
    const { provider, modelId } = await this.find(tenantId, name);
    const key = `${provider.identity}/${modelId}`;
    const known = this.models.get(key);
    if (known !== undefined) return known;
    const open = await this.open(provider);
    return (
      this.models.get(key) ??
      keep(this.models, key, this.cached(this.modelOf(provider, open, modelId), `${key} ${provider.baseUrl}`), mostOpen)
    );
  }

  /** @throws MillraceError `unknown_model`; `no_embeddings` where the provider has none */
  async embeddingModel(
    tenantId: string,
    name: string,
  ): Promise<{ readonly name: string; readonly model: EmbeddingModelV4 }> {
    const { provider, modelId } = await this.find(tenantId, name);
    const open = await this.open(provider);
    if (open.embedding !== undefined) return { name: `${provider.name}/${modelId}`, model: open.embedding(modelId) };
    throw invalidInput('no_embeddings', `The provider ${provider.name} turns no texts into vectors.`, [
      { pointer: '/model', message: 'is of a provider without such models' },
    ]);
  }

  /** @throws MillraceError `unknown_model`; `no_reranking` where the provider ranks nothing */
  async rerankingModel(
    tenantId: string,
    name: string,
  ): Promise<{ readonly name: string; readonly model: RerankingModel }> {
    const { provider, modelId } = await this.find(tenantId, name);
    const open = await this.open(provider);
    if (open.reranking !== undefined) return { name: `${provider.name}/${modelId}`, model: open.reranking(modelId) };
    throw invalidInput('no_reranking', `The provider ${provider.name} ranks no texts.`, [
      { pointer: '/model', message: 'is of a provider that ranks nothing: take one of the kind openai-compatible' },
    ]);
  }

  /** What this process knew of a tenant's providers and routes is out of date. */
  forget(tenantId: string): void {
    this.ownProviders.forget(tenantId);
    this.ownRoutes.forget(tenantId);
  }

  /** Those of the installation come first; each is opened once, a tenant's again when it or one of its providers has changed. */
  private async route(tenantId: string, name: string): Promise<ChatModel> {
    const route = this.config.routes.find((each) => each.name === name);
    if (route !== undefined) return this.openRoute(`${routePrefix}${name}`, route, this.installed, null);
    const stored = (await this.ownRoutes.of(tenantId)).find((each) => each.route.name === name);
    if (stored === undefined) throw unknownRoute(name);
    const providers = await this.ownProviders.of(tenantId);
    const versions = providers.map(({ identity }) => identity).join(' ');
    return this.openRoute(`${tenantId}:${stored.revision} ${versions}`, stored.route, providers, tenantId);
  }

  private openRoute(
    key: string,
    route: Route,
    providers: readonly KnownProvider[],
    tenantId: string | null,
  ): Promise<ChatModel> {
    const known = this.routes.get(key);
    if (known !== undefined) return known;
    const all = (of: readonly RouteTarget[]): Promise<Target[]> =>
      Promise.all(of.map((target) => this.target(target, route, providers, tenantId)));
    const opened = Promise.all([all(route.targets), all(route.fallback)]).then(([chosen, fallback]) =>
      this.cached(new RoutedModel(route, chosen, fallback), `${key} ${JSON.stringify(route)}`, route.cache),
    );
    opened.catch(() => this.routes.delete(key));
    return keep(this.routes, key, opened, mostOpen);
  }

  private cached(model: ChatModel, identity: string, byDefault?: AnswerCache): ChatModel {
    return new CachedModel(model, { cache: this.answers, identity, byDefault });
  }

  private async target(
    options: RouteTarget,
    route: Route,
    providers: readonly KnownProvider[],
    tenantId: string | null,
  ): Promise<Target> {
    const [providerName, modelId = ''] = split(options.model);
    const provider = providers.find(({ name }) => name === providerName);
    if (provider === undefined || !has(provider, modelId)) throw unknownModel(options.model);
    const model = this.modelOf(provider, await this.open(provider), modelId, this.targets.modelOptions(options));
    return this.targets.open(options, model, { route, tenantId, baseUrl: provider.baseUrl });
  }

  /** By `PROVIDER/MODEL`, or by the name of a model that a provider lists. @throws MillraceError `unknown_model` */
  private async find(
    tenantId: string,
    name: string,
  ): Promise<{ readonly provider: KnownProvider; readonly modelId: string }> {
    const [providerName, modelId] = split(name);
    const isMeant = (provider: KnownProvider): boolean =>
      provider.name === providerName && modelId !== undefined && has(provider, modelId);
    const lists = (provider: KnownProvider): boolean => provider.models.includes(name);
    const installed = this.installed.find(isMeant);
    if (installed !== undefined && modelId !== undefined) return { provider: installed, modelId };
    const all = [...this.installed, ...(await this.ownProviders.of(tenantId))];
    const named = all.find(isMeant);
    if (named !== undefined && modelId !== undefined) return { provider: named, modelId };
    const listing = all.find(lists);
    if (listing !== undefined) return { provider: listing, modelId: name };
    throw unknownModel(name);
  }

  private knownOf(provider: StoredProvider): KnownProvider {
    const { tenantId, revision } = provider;
    return { ...provider, identity: `${tenantId}:${revision}`, key: () => this.store.keyOf(provider) };
  }

  private open(provider: KnownProvider): Promise<OpenProvider> {
    const known = this.opened.get(provider.identity);
    if (known !== undefined) return known;
    const { kind, baseUrl } = provider;
    if (kind === ggufProvider) return Promise.resolve(this.gguf.open());
    return keep(this.opened, provider.identity, openProvider({ kind, baseUrl, apiKey: provider.key() }), mostOpen);
  }

  private modelOf(
    provider: KnownProvider,
    open: OpenProvider,
    modelId: string,
    more: Partial<ProviderModelOptions> = {},
  ): ProviderModel {
    return new ProviderModel({
      name: `${provider.name}/${modelId}`,
      provider: provider.kind,
      model: open.language(modelId),
      concurrency: provider.concurrency,
      payments: this.payments,
      ...this.config.limits,
      ...more,
    });
  }
}

/** Another file of the same name answers otherwise. */
const knownGguf = ({ file, concurrency }: GgufSettings): KnownProvider => ({
  name: ggufProvider,
  kind: ggufProvider,
  baseUrl: '',
  models: [file.model],
  concurrency,
  identity: `${ggufProvider}@${file.fingerprint}`,
  key: () => null,
});

/** Providers may have models that they do not list; a file is one model. */
const has = ({ kind, models }: KnownProvider, modelId: string): boolean =>
  kind !== ggufProvider || models.includes(modelId);

function split(name: string): [string, string | undefined] {
  const slash = name.indexOf('/');
  return slash === -1 ? [name, undefined] : [name.slice(0, slash), name.slice(slash + 1)];
}

const unknownRoute = (name: string): MillraceError =>
  new MillraceError('invalid', 'unknown_model_route', `There is no route ${name}.`, {
    violations: [{ pointer: '/model', message: 'is no route that there is' }],
  });
