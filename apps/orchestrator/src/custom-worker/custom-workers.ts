/**
 * Opens the queues of programs that tenants run themselves. A program may not make its consumer: whoever may has messages
 * delivered to any subject. So it asks on a subject that names it, and the orchestrator makes it.
 */
import {
  askerOfOpening,
  customWorkerTaskOf,
  nameSchema,
  openWorkerSubjects,
  taskConsumerName,
  tenantIdSchema,
  type OpenedWorker,
} from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import type { IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';

const maxInFlight = 64;

export class CustomWorkers {
  private subscription: Subscription | undefined;

  constructor(private readonly bus: MessageBus) {}

  async start(): Promise<void> {
    const options = { queue: 'orchestrator', maxInFlight };
    this.subscription = await this.bus.respond(openWorkerSubjects, options, (message) => this.open(message));
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  /** @throws MillraceError `invalid_worker` for what no graph could name, and what making a consumer throws */
  private async open({ subject }: IncomingMessage): Promise<OpenedWorker> {
    const identity = askerOfOpening(subject);
    if (!tenantIdSchema.safeParse(identity.tenantId).success || !nameSchema.safeParse(identity.worker).success)
      throw invalidInput('invalid_worker', 'A worker is named by a tenant and a name, as graphs name it.');
    const contract = customWorkerTaskOf(identity);
    const { subject: tasks, ackWaitMs } = contract;
    const declared = await this.bus.declare({ durableName: taskConsumerName(contract), subject: tasks, ackWaitMs });
    return { ...declared, ackWaitMs };
  }
}
