import {
  type CommandContract,
  envelopeOf,
  type MessageContext,
  type RequestOf,
  type ResponseOf,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { BUS } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';

export interface SendOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Sends commands to the services that own them: all that this service does beyond its own keys. */
@Injectable()
export class CommandSender {
  constructor(@Inject(BUS) private readonly bus: MessageBus) {}

  /**
   * Sends a command on behalf of a tenant and waits for its answer.
   * @throws MillraceError what the owner refused with; `service_unavailable` where nobody answers; `invalid_reply`
   *   where the answer is not the contract's.
   */
  async send<Contract extends CommandContract>(
    contract: Contract,
    context: MessageContext,
    data: RequestOf<Contract>,
    options: SendOptions = {},
  ): Promise<ResponseOf<Contract>> {
    const envelope = envelopeOf(contract, context, data);
    const reply = await this.bus.request({ subject: contract.subject, envelope }, options).catch((error: unknown) => {
      throw unanswered(error, contract) ?? error;
    });
    const parsed = contract.response.safeParse(reply);
    if (parsed.success) return parsed.data as ResponseOf<Contract>;
    throw new MillraceError(
      'internal',
      'invalid_reply',
      `The ${contract.owner} service gave an answer that cannot be read.`,
      {
        cause: parsed.error,
      },
    );
  }
}

/** The transport's own failures in the words of a caller, who knows no bus. */
function unanswered(error: unknown, contract: CommandContract): MillraceError | undefined {
  if (!(error instanceof MillraceError) || error.code !== 'no_responders') return undefined;
  const message = `The ${contract.owner} service is not running. Try again.`;
  return new MillraceError('unavailable', 'service_unavailable', message, { cause: error, retryAfterSeconds: 2 });
}
