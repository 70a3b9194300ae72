import { type Approval, type ApprovalDecision, type ApprovalStatus, approvalStatusSchema } from '@millrace/contracts';
import { invalidInput, type JsonObject } from '@millrace/kernel';
import { type Command, Option } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { jsonOption } from '../json-option.js';
import { printJson, printTable } from '../terminal/print.js';
import { printableLine } from '../terminal/printable.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface Flags extends ConnectionFlags {
  readonly json?: boolean;
}

interface ListFlags extends Flags {
  readonly status?: ApprovalStatus;
  readonly run?: string;
  readonly all?: boolean;
}

export function addApprovalsCommand(program: Command, terminal: Terminal): void {
  const approvals = program.command('approvals').description('Lists what runs ask people to decide, and decides it.');

  withConnection(approvals.command('list'))
    .description('Lists the approvals that wait for a decision, newest first.')
    .addOption(
      new Option('--status <status>', 'those of another status').choices(approvalStatusSchema.options).conflicts('all'),
    )
    .option('--all', 'those of every status')
    .option('--run <id>', 'those of one run')
    .option('--json', 'print the approvals as JSON')
    .action(async ({ status = 'pending', all, run, ...flags }: ListFlags) => {
      const query = { limit: 200, ...(!all && { status }), ...(run !== undefined && { run }) };
      const { items } = await connect(flags, terminal).listApprovals(query);
      if (flags.json) return printJson(terminal, items);
      const rows = items.map((approval) => [approval.id, approval.status, approval.title, approval.deadlineAt]);
      return printTable(terminal, ['id', 'status', 'title', 'until'], rows, 'There is nothing to decide.');
    });

  withConnection(approvals.command('show'))
    .description('Shows one approval: what is to be decided, by whom, and what the form asks for.')
    .argument('<id>', 'the id of the approval, from `approvals list`')
    .option('--json', 'print the approval as JSON')
    .action(async (id: string, flags: Flags) => {
      const approval = await connect(flags, terminal).getApproval(id);
      return flags.json ? printJson(terminal, approval) : write(terminal.out, describe(approval));
    });

  addDecision(approvals, terminal, 'approve', 'Approves, so that the run goes on.');
  addDecision(approvals, terminal, 'reject', 'Rejects: the run fails, or goes on as its graph says.');
}

function addDecision(approvals: Command, terminal: Terminal, decision: ApprovalDecision, description: string): void {
  withConnection(approvals.command(decision))
    .description(description)
    .argument('<id>', 'the id of the approval, from `approvals list`')
    .option('--data <json>', 'what the form asks for, as a JSON object', '{}')
    .option('--json', 'print the approval as JSON')
    .action(async (id: string, flags: Flags & { readonly data: string }) => {
      const data = objectOf(flags.data);
      const approval = await connect(flags, terminal).decideApproval(id, { decision, data });
      if (flags.json) return printJson(terminal, approval);
      return write(terminal.out, `${printableLine(approval.title)} is ${approval.status}.\n`);
    });
}

/** @throws MillraceError `invalid_input` */
function objectOf(text: string): JsonObject {
  const example = '{"comment": "fine"}';
  const data = jsonOption('--data', text, example);
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data;
  throw invalidInput('invalid_input', `--data must be a JSON object, for example '${example}'.`);
}

function describe(approval: Approval): string {
  const { title, status, runId, node, assignees, deadlineAt, context, form } = approval;
  const lines = [
    title,
    `  ${status}, asked by ${node} of ${runId}`,
    `  who: ${assignees.join(', ')}`,
    `  until: ${deadlineAt}`,
    `  shows: ${JSON.stringify(context)}`,
    `  form: ${JSON.stringify(form)}`,
  ];
  return lines.map((line) => `${printableLine(line)}\n`).join('');
}
