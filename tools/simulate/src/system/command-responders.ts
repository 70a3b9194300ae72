/** The orchestrator's commands on the bus: what its service's handlers do, one line each. */
import {
  cancelRun,
  causedBy,
  createSchedule,
  decideApproval,
  forkRun,
  pauseRun,
  resumeRun,
  retryRun,
  signalRun,
  startRun,
  type CommandContract,
  type MessageContext,
} from '@millrace/contracts';
import type { MessageBus, Subscription } from '@millrace/messaging';
import { decideApproval as decide, type Orchestrator } from '@millrace/orchestrator/core';

type Handle = (context: MessageContext) => Promise<unknown>;
type Bind = (orchestrator: Orchestrator, data: unknown) => Handle;

const bound = <Request>(
  contract: CommandContract<Request>,
  handle: (orchestrator: Orchestrator, context: MessageContext, data: Request) => Promise<unknown>,
): readonly [CommandContract, Bind] => [
  contract,
  (orchestrator, data) => {
    const request = contract.request.parse(data);
    return (context) => handle(orchestrator, context, request);
  },
];

const commands = [
  bound(startRun, ({ runs }, context, data) => runs.start(context, data)),
  bound(forkRun, ({ runs }, context, data) => runs.fork(context, data)),
  bound(cancelRun, ({ runs }, context, data) => runs.cancel(context, data)),
  bound(pauseRun, ({ runs }, context, data) => runs.pause(context, data)),
  bound(resumeRun, ({ runs }, context, data) => runs.resume(context, data)),
  bound(retryRun, ({ runs }, context, data) => runs.retry(context, data)),
  bound(signalRun, ({ runs }, context, data) => runs.signal(context, data)),
  bound(createSchedule, ({ schedules }, { tenantId }, { scheduleId, spec }) =>
    schedules.create(tenantId, scheduleId, spec),
  ),
  bound(decideApproval, (orchestrator, context, data) => decide(orchestrator, context, data)),
];

export function answerCommands(bus: MessageBus, orchestrator: Orchestrator): Promise<Subscription[]> {
  const options = { queue: 'orchestrator', maxInFlight: 1_000 };
  return Promise.all(
    commands.map(([contract, bind]) =>
      bus.respond(contract.subject, options, ({ envelope }) => bind(orchestrator, envelope.data)(causedBy(envelope))),
    ),
  );
}
