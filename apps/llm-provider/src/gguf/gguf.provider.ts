import { CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import type { OpenProvider } from '../providers/open-provider.js';
import { unknownModel } from '../models/unknown-model.js';
import { ggufEmbeddingModel } from './gguf-embedding-model.js';
import { ggufLanguageModel } from './gguf-language-model.js';
import { ggufProvider } from './gguf-settings.js';
import { LocalModel } from './local-model.js';

const GGUF = Symbol('millrace.llm-provider.gguf');

/** The model of `MILLRACE_GGUF`, where there is one. It is loaded before the service says that it is ready. */
@Injectable()
export class GgufModels implements OnApplicationShutdown {
  constructor(@Inject(GGUF) private readonly local: LocalModel | undefined) {}

  /** @throws MillraceError `unknown_model` */
  open(): OpenProvider {
    const { local } = this;
    if (local === undefined) throw unknownModel(ggufProvider);
    return {
      language: (model) => ggufLanguageModel(local, model),
      embedding: (model) => ggufEmbeddingModel(local, model),
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.local?.close();
  }
}

export const ggufProviders: Provider[] = [
  {
    provide: GGUF,
    inject: [CONFIG, LOGGER],
    useFactory: async ({ gguf }: LlmProviderConfig, logger: Logger): Promise<LocalModel | undefined> => {
      if (gguf === null) return undefined;
      const opened = await LocalModel.open(gguf, (level, message) => logger.debug({ level }, message.trim()));
      logger.info({ model: gguf.file.model, bytes: gguf.file.bytes }, 'loaded the local model');
      return opened;
    },
  },
  GgufModels,
];
