/** What a spec starts services on: an in-process bus, and a logger whose lines can be read back. */
import { envelopeOf, eventSubject, type CommandContract, type EventContract } from '@millrace/contracts';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { startService, type RunningService, type ServiceDefinition, type ServiceHost } from '../index.js';

const context = { tenantId: 'acme', correlationId: 'req_7', causationId: null };

export class SpecHost {
  readonly lines: Record<string, unknown>[] = [];
  readonly services: RunningService[] = [];

  constructor(readonly bus: MessageBus = createInProcessBus()) {}

  get options(): ServiceHost {
    const destination = { write: (line: string) => void this.lines.push(JSON.parse(line) as Record<string, unknown>) };
    return { environment: {}, bus: this.bus, logger: createLogger({ levels: parseLogLevels('trace'), destination }) };
  }

  async start<Config>(
    definition: ServiceDefinition<Config>,
    options: Partial<ServiceHost> = {},
  ): Promise<RunningService> {
    const service = await startService(definition, { ...this.options, ...options });
    this.services.push(service);
    return service;
  }

  request(
    contract: CommandContract,
    data: unknown,
    envelope: Partial<ReturnType<typeof envelopeOf>> = {},
  ): Promise<unknown> {
    return this.bus.request({
      subject: contract.subject,
      envelope: { ...envelopeOf(contract, context, data), ...envelope },
    });
  }

  async publish(contract: EventContract, data: unknown): Promise<void> {
    await this.bus.publish({ subject: eventSubject(contract, 'acme'), envelope: envelopeOf(contract, context, data) });
  }

  async close(): Promise<void> {
    await Promise.all(this.services.map((service) => service.drain({ graceMs: 0 })));
    await this.bus.drain({ graceMs: 0 });
  }
}
