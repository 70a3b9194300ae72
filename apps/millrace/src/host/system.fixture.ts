/** The whole system in the process of a test: every service, one bus, one database, and keys of as many tenants as it takes. */
import { MillraceClient } from '@millrace/client';
import { createKey, envelopeOf, type Problem, type Role } from '@millrace/contracts';
import type { DatabaseBackend } from '@millrace/database';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { type BackendKind, testBackend } from '@millrace/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { services } from './services.js';

export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
}

export class TestSystem implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly bus: MessageBus,
    readonly backend: DatabaseBackend,
    private readonly running: readonly RunningService[],
    private readonly ownsBackend: boolean,
  ) {}

  /** An open backend to share, which stays open, or the kind of a new one. */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    bus: MessageBus = createInProcessBus(),
    given: DatabaseBackend | BackendKind = 'postgres',
  ): Promise<TestSystem> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-system-'));
    const ownsBackend = typeof given === 'string';
    const backend = ownsBackend ? await testBackend(given) : given;
    const logger = createLogger({ levels: parseLogLevels(process.env['MILLRACE_TEST_LOG'] ?? 'fatal') });
    const environment = { MILLRACE_HTTP_PORT: '0', MILLRACE_ORCHESTRATOR_REPLICA: 'test', ...settings };
    const running: RunningService[] = [];
    for (const definition of services) {
      running.push(await startService(definition, { environment, bus, backend, logger }));
    }
    return new TestSystem(folder, bus, backend, running, ownsBackend);
  }

  get url(): string {
    return this.running.find((service) => service.url !== undefined)?.url ?? '';
  }

  async key(tenantId: string, role: Role): Promise<string> {
    const context = { tenantId, correlationId: 'test', causationId: null };
    const envelope = envelopeOf(createKey, context, { name: `the ${role}`, role, onlyFirst: false });
    const reply = createKey.response.parse(await this.bus.request({ subject: createKey.subject, envelope }));
    return reply.key?.secret ?? '';
  }

  client(apiKey: string): MillraceClient {
    return new MillraceClient({ baseUrl: this.url, apiKey });
  }

  /** Calls by plain HTTP: a POST where there is a body. A text is sent as it is. */
  async call<Body = Problem>(path: string, apiKey: string, body?: unknown, headers = {}): Promise<Answer<Body>> {
    const response = await this.raw(path, apiKey, body, headers);
    return { status: response.status, body: (await response.json()) as Body };
  }

  /** The same, the answer unread. */
  raw(path: string, apiKey: string, body?: unknown, headers = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.running.toReversed()) await service.drain({ graceMs: 1_000 });
    await this.bus.drain({ graceMs: 1_000 });
    if (this.ownsBackend) await this.backend.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
