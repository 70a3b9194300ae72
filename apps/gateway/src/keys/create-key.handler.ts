import type { createKey, RequestOf, ResponseOf } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { ApiKeys } from './api-keys.js';

/** For hosts and operators, who reach the bus but have no key yet. */
@Injectable()
export class CreateKeyHandler implements CommandHandler<typeof createKey> {
  constructor(@Inject(ApiKeys) private readonly keys: ApiKeys) {}

  async handle(
    { onlyFirst, ...request }: RequestOf<typeof createKey>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof createKey>> {
    const key = onlyFirst ? await this.keys.createFirst(tenantId, request) : await this.keys.create(tenantId, request);
    return { key };
  }
}
