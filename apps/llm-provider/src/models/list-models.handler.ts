import type { listModels, RequestOf, ResponseOf } from '@millrace/contracts';
import { CONFIG, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { ggufProvider } from '../gguf/gguf-settings.js';
import { ModelRouteStore } from './model-route.store.js';
import { ProviderStore } from './provider.store.js';

@Injectable()
export class ListModelsHandler implements CommandHandler<typeof listModels> {
  constructor(
    @Inject(ProviderStore) private readonly store: ProviderStore,
    @Inject(ModelRouteStore) private readonly routes: ModelRouteStore,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(_: RequestOf<typeof listModels>, { tenantId }: CommandMessage): Promise<ResponseOf<typeof listModels>> {
    const providers = [...this.config.providers, ...(await this.store.list(tenantId))];
    const models = providers.flatMap(({ name, models: listed }) =>
      listed.map((model) => ({ name: `${name}/${model}`, provider: name })),
    );
    const own = (await this.routes.routes(tenantId)).map(({ route }) => route);
    const routes = [...this.config.routes, ...own].map(({ name }) => ({ name: `route:${name}`, provider: 'millrace' }));
    const { gguf } = this.config;
    const local = gguf === null ? [] : [{ name: `${ggufProvider}/${gguf.file.model}`, provider: ggufProvider }];
    return { items: [...routes, ...models, ...local] };
  }
}
