import { violationsOf, type CommandContract, type EventContract } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import type { PipeTransform } from '@nestjs/common';

/** Lets only data through that the contract accepts, with its defaults applied. */
export class ContractPipe implements PipeTransform {
  constructor(private readonly contract: CommandContract | EventContract) {}

  /** @throws MillraceError `invalid_message` with a pointer to each mistake. */
  transform(data: unknown): unknown {
    const schema = this.contract.kind === 'command' ? this.contract.request : this.contract.data;
    const parsed = schema.safeParse(data);
    if (parsed.success) return parsed.data;
    throw invalidInput('invalid_message', `The data does not fit ${this.contract.name}.`, violationsOf(parsed.error));
  }
}
