/** An endpoint as a receiver runs it, which verifies what it gets and answers as a test wants; and events to be sent. */
import {
  cloudEventHeaders,
  envelopeOf,
  eventSubject,
  runApprovalRequestedEvent,
  runCompletedEvent,
  runStartedEvent,
  type CloudEvent,
  type CreatedWebhook,
  type EventContract,
  type WebhookDelivery,
} from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestGateway } from '../gateway.fixture.js';

export const secretKeys = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

export interface Received {
  readonly id: string;
  readonly signatures: readonly string[];
  readonly contentType: string;
  /** Empty where there was none. */
  readonly traceparent: string;
  readonly event: CloudEvent;
  readonly isSignedBy: (secret: string) => boolean;
}

export type Answer = (response: ServerResponse, received: Received) => void;
export const answersStatus =
  (status: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end();

export class Endpoint implements AsyncDisposable {
  readonly received: Received[] = [];
  answer: Answer = answersStatus(204);
  private readonly server = createServer((request, response) => void this.take(request, response));

  static async listen(): Promise<Endpoint> {
    const endpoint = new Endpoint();
    await new Promise<void>((resolve) => endpoint.server.listen(0, '127.0.0.1', resolve));
    return endpoint;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}/hook?token=1`;
  }

  of(type: string): Received[] {
    return this.received.filter(({ event }) => event.type === type);
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const body = await text(request);
    const header = (name: string): string => String(request.headers[name] ?? '');
    const signatures = header('webhook-signature').split(' ');
    const id = header('webhook-id');
    const signed = `${id}.${header('webhook-timestamp')}.${body}`;
    const isSignedBy = (secret: string): boolean => {
      const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
      const expected = Buffer.from(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
      return signatures.some((each) => each.length === expected.length && timingSafeEqual(Buffer.from(each), expected));
    };
    const event = JSON.parse(body) as CloudEvent;
    const [contentType, traceparent] = [header('content-type'), header('traceparent')];
    const received = { id, signatures, contentType, traceparent, event, isSignedBy };
    this.received.push(received);
    this.answer(response, received);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const graph = { name: 'content', version: 1, digest: 'a'.repeat(64) };
const usage = { promptTokens: 1, completionTokens: 1, costUsd: 0 };

async function announce(
  bus: MessageBus,
  contract: EventContract,
  tenantId: string,
  data: { readonly runId: string },
  position: number,
  traceparent?: string,
): Promise<void> {
  const context = { tenantId, correlationId: 'request 1', causationId: data.runId };
  const envelope = envelopeOf(contract, context, data, { id: `${data.runId}:${position}` });
  const headers = { ...cloudEventHeaders(contract, envelope), ...(traceparent !== undefined && { traceparent }) };
  await bus.publish({ subject: eventSubject(contract, tenantId), envelope, headers });
}

/** What the orchestrator publishes when a run begins, asks for an approval, and ends. Gives the run's id. */
export async function announceRun(
  bus: MessageBus,
  tenantId = 'acme',
  runId = newId('run'),
  traceparent?: string,
): Promise<string> {
  const approval = {
    ...{ approvalId: `apr_${'0'.repeat(32)}`, node: 'check', title: 'Publish?', assignees: [] },
    deadlineAt: new Date().toISOString(),
  };
  await announce(bus, runStartedEvent, tenantId, { runId, ...{ graph } }, 1);
  await announce(bus, runApprovalRequestedEvent, tenantId, { runId, ...{ graph, ...approval } }, 2);
  await announce(bus, runCompletedEvent, tenantId, { runId, ...{ graph, usage } }, 3, traceparent);
  return runId;
}

export async function createWebhook(
  gateway: TestGateway,
  url: string,
  events: readonly string[] = ['millrace.run.completed.v1'],
  key = gateway.keys.admin.secret,
): Promise<CreatedWebhook> {
  const response = await gateway.call('/v1/webhooks', { key, body: { url, events } });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as CreatedWebhook;
}

export async function deliveriesOf(gateway: TestGateway, id: string, query = ''): Promise<WebhookDelivery[]> {
  const response = await gateway.call(`/v1/webhooks/${id}/deliveries${query}`);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { items: WebhookDelivery[] }).items;
}
