import {
  type deleteModelRoute,
  type getModelRoute,
  type listModelRoutes,
  type ModelRoute,
  type putModelRoute,
  type RequestOf,
  type ResponseOf,
  type StoredModelRoute,
} from '@millrace/contracts';
import { invalidInput, MillraceError, type Violation } from '@millrace/kernel';
import { CONFIG, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { ModelCatalogue } from './model-catalogue.js';
import { ModelRouteStore, type StoredRoute, unknownStoredRoute } from './model-route.store.js';
import { ProviderStore } from './provider.store.js';

@Injectable()
export class PutModelRouteHandler implements CommandHandler<typeof putModelRoute> {
  constructor(
    @Inject(ModelRouteStore) private readonly store: ModelRouteStore,
    @Inject(ProviderStore) private readonly providers: ProviderStore,
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(route: RequestOf<typeof putModelRoute>, { tenantId }: CommandMessage): Promise<StoredModelRoute> {
    refuseNameOfInstallation(route.name, this.config);
    const own = new Set((await this.providers.list(tenantId)).map(({ name }) => name));
    const violations = strangersIn(route, own);
    if (violations.length > 0)
      throw invalidInput('unknown_target', 'A route goes to providers of its own tenant.', violations);
    const stored = await this.store.putRoute(tenantId, route);
    this.models.forget(tenantId);
    return ofTenant(stored);
  }
}

@Injectable()
export class ListModelRoutesHandler implements CommandHandler<typeof listModelRoutes> {
  constructor(
    @Inject(ModelRouteStore) private readonly store: ModelRouteStore,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(
    _: RequestOf<typeof listModelRoutes>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listModelRoutes>> {
    const own = (await this.store.routes(tenantId)).map(ofTenant);
    const all = [...this.config.routes.map(ofInstallation), ...own];
    return { items: all.sort((left, right) => left.name.localeCompare(right.name)) };
  }
}

@Injectable()
export class GetModelRouteHandler implements CommandHandler<typeof getModelRoute> {
  constructor(@Inject(ListModelRoutesHandler) private readonly routes: ListModelRoutesHandler) {}

  async handle({ name }: RequestOf<typeof getModelRoute>, message: CommandMessage): Promise<StoredModelRoute> {
    const { items } = await this.routes.handle({}, message);
    // Of the same name that of the installation is the one that is called.
    const found = items.filter((route) => route.name === name);
    const route = found.find(({ origin }) => origin === 'installation') ?? found[0];
    if (route === undefined) throw unknownStoredRoute(name);
    return route;
  }
}

@Injectable()
export class DeleteModelRouteHandler implements CommandHandler<typeof deleteModelRoute> {
  constructor(
    @Inject(ModelRouteStore) private readonly store: ModelRouteStore,
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(
    { name }: RequestOf<typeof deleteModelRoute>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof deleteModelRoute>> {
    refuseNameOfInstallation(name, this.config);
    await this.store.deleteRoute(tenantId, name);
    this.models.forget(tenantId);
    return { name };
  }
}

/** Its routes come first, so a tenant's of the same name would never be asked. */
function refuseNameOfInstallation(name: string, { routes }: LlmProviderConfig): void {
  if (!routes.some((route) => route.name === name)) return;
  const message = `The route ${name} is of this installation, and only its operator can change it.`;
  throw new MillraceError('conflict', 'route_of_installation', message);
}

const strangersIn = (route: ModelRoute, own: ReadonlySet<string>): Violation[] =>
  (['targets', 'fallback'] as const).flatMap((list) =>
    route[list].flatMap(({ model }, index) =>
      own.has(model.split('/', 1)[0] ?? '')
        ? []
        : [{ pointer: `/${list}/${index}/model`, message: 'is of no provider of your own' }],
    ),
  );

const ofTenant = ({ route, updatedAt }: StoredRoute): StoredModelRoute => ({
  ...route,
  origin: 'tenant',
  updatedAt: updatedAt.toISOString(),
});

const ofInstallation = (route: ModelRoute): StoredModelRoute => ({ ...route, origin: 'installation', updatedAt: null });
