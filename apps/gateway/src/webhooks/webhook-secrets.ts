import { CONFIG, SecretBox, type SealedSecret } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { GatewayConfig } from '../config.js';

/** Secrets at rest: sealed for their tenant and their webhook, so that none opens for another. */
@Injectable()
export class WebhookSecrets {
  private readonly box: SecretBox;

  constructor(@Inject(CONFIG) { secretKeys }: Pick<GatewayConfig, 'secretKeys'>) {
    this.box = new SecretBox(secretKeys, 'MILLRACE_GATEWAY_SECRET_KEYS');
  }

  /** @throws MillraceError `secrets_not_configured` */
  seal(tenantId: string, webhookId: string, secret: string): SealedSecret {
    return this.box.seal(secret, purposeOf(tenantId, webhookId));
  }

  /** @throws MillraceError `secret_unreadable` */
  open(tenantId: string, webhookId: string, sealed: SealedSecret): string {
    return this.box.open(sealed, purposeOf(tenantId, webhookId));
  }
}

const purposeOf = (tenantId: string, webhookId: string): string => JSON.stringify(['webhook', tenantId, webhookId]);
