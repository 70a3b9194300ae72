import { MillraceError } from '@millrace/kernel';
import { CONFIG } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { CompletionModel } from '../completion/completion-model.js';
import { ProviderCompletionModel } from '../completion/provider-completion-model.js';
import type { LlmProviderConfig } from '../config.js';
import { extractiveModel } from '../extractive/extractive-model.js';
import type { ChatModel } from '../providers/chat-model.js';
import { openProvider, type OpenProvider } from '../providers/open-provider.js';
import { ProviderModel } from '../providers/provider-model.js';
import type { ConfiguredProvider } from './models-file.js';

/** Models kept open; beyond them the one that was opened first is opened again when it is needed. */
const mostOpen = 1_000;

/** Every model that a tenant can name. Each is opened once, so that its circuit and its slots are known to all its callers. */
@Injectable()
export class ModelCatalogue {
  private readonly providers = new Map<string, Promise<OpenProvider>>();
  private readonly models = new Map<string, ProviderModel>();
  private readonly completionModels = new WeakMap<ChatModel, ProviderCompletionModel>();

  constructor(@Inject(CONFIG) private readonly config: LlmProviderConfig) {}

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

  /** @throws MillraceError `unknown_model` where the tenant has no provider of that name */
  async chatModel(_tenantId: string, name: string): Promise<ChatModel> {
    const [providerName = '', modelId] = split(name);
    const provider = this.config.providers.find((each) => each.name === providerName);
    if (provider === undefined || modelId === undefined) throw unknownModel(name);
    const known = this.models.get(name);
    if (known !== undefined) return known;
    const open = await this.open(provider);
    return this.models.get(name) ?? this.keep(name, this.modelOf(provider, open, modelId));
  }

  private open(provider: ConfiguredProvider): Promise<OpenProvider> {
    const known = this.providers.get(provider.name);
    if (known !== undefined) return known;
    const opened = openProvider(provider);
    this.providers.set(provider.name, opened);
    return opened;
  }

  private modelOf(provider: ConfiguredProvider, open: OpenProvider, modelId: string): ProviderModel {
    return new ProviderModel({
      name: `${provider.name}/${modelId}`,
      provider: provider.kind,
      model: open.language(modelId),
      concurrency: provider.concurrency,
      ...this.config.limits,
    });
  }

  private keep(key: string, model: ProviderModel): ProviderModel {
    const [oldest] = this.models.keys();
    if (this.models.size >= mostOpen && oldest !== undefined) this.models.delete(oldest);
    this.models.set(key, model);
    return model;
  }
}

function split(name: string): [string, string | undefined] {
  const slash = name.indexOf('/');
  return slash === -1 ? [name, undefined] : [name.slice(0, slash), name.slice(slash + 1)];
}

const unknownModel = (name: string): MillraceError =>
  new MillraceError('invalid', 'unknown_model', `There is no model ${name}. Its provider is none of yours.`, {
    violations: [{ pointer: '/model', message: 'is the model of no provider that there is' }],
  });
