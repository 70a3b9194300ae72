import {
  deleteProvider,
  listProviders,
  putProvider,
  type Provider,
  type RequestOf,
  type ResponseOf,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { CONFIG, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { ggufProvider } from '../gguf/gguf-settings.js';
import { ModelCatalogue } from './model-catalogue.js';
import type { ConfiguredProvider } from './models-file.js';
import { providerAddress } from './provider-address.js';
import { ProviderStore, type StoredProvider } from './provider.store.js';

@Injectable()
export class PutProviderHandler implements CommandHandler<typeof putProvider> {
  constructor(
    @Inject(ProviderStore) private readonly store: ProviderStore,
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(given: RequestOf<typeof putProvider>, { tenantId }: CommandMessage): Promise<Provider> {
    refuseNameOfInstallation(given.name, this.config);
    const baseUrl = providerAddress(given, this.config.providerHosts);
    const stored = await this.store.put(tenantId, { ...given, baseUrl });
    this.models.forget(tenantId);
    return ofTenant(stored);
  }
}

@Injectable()
export class ListProvidersHandler implements CommandHandler<typeof listProviders> {
  constructor(
    @Inject(ProviderStore) private readonly store: ProviderStore,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(
    _request: RequestOf<typeof listProviders>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listProviders>> {
    const own = await this.store.list(tenantId);
    const all = [...this.config.providers.map(ofInstallation), ...own.map(ofTenant)];
    return { items: all.sort((left, right) => left.name.localeCompare(right.name)) };
  }
}

@Injectable()
export class DeleteProviderHandler implements CommandHandler<typeof deleteProvider> {
  constructor(
    @Inject(ProviderStore) private readonly store: ProviderStore,
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(
    { name }: RequestOf<typeof deleteProvider>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof deleteProvider>> {
    refuseNameOfInstallation(name, this.config);
    await this.store.delete(tenantId, name);
    this.models.forget(tenantId);
    return { name };
  }
}

/** Its providers come first, so a tenant's of the same name would never be asked. */
function refuseNameOfInstallation(name: string, { providers, gguf }: LlmProviderConfig): void {
  const isLocal = gguf !== null && name === ggufProvider;
  if (!isLocal && !providers.some((provider) => provider.name === name)) return;
  const message = `The provider ${name} is of this installation, and only its operator can change it.`;
  throw new MillraceError('conflict', 'provider_of_installation', message);
}

const ofTenant = ({ secret, updatedAt, ...provider }: StoredProvider): Provider => ({
  ...shown(provider),
  hasKey: secret !== null,
  origin: 'tenant',
  updatedAt: updatedAt.toISOString(),
});

/** Where it is, is the operator's knowledge. */
const ofInstallation = (provider: ConfiguredProvider): Provider => ({
  ...shown(provider),
  baseUrl: '',
  hasKey: provider.apiKey !== null,
  origin: 'installation',
  updatedAt: null,
});

const shown = ({ name, kind, baseUrl, models, concurrency }: Omit<ConfiguredProvider, 'apiKey'>) => ({
  name,
  kind,
  baseUrl,
  models: [...models],
  concurrency,
});
