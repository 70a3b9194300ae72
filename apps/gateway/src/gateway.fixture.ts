import {
  createKey,
  type CreatedApiKey,
  envelopeOf,
  openAiErrorSchema,
  type Problem,
  problemMediaType,
  type Role,
} from '@millrace/contracts';
import type { DatabaseBackend } from '@millrace/database';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { type RunningService, startService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { type BackendKind, testBackend } from '@millrace/testing';
import { gatewayService } from './index.js';
import { speaksOpenAi } from './openai/openai-error.js';
import { migrations } from './schema/migrations.js';

export interface TestGatewayOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly bus?: MessageBus;
  /** An open backend to share, or the kind of a new one. */
  readonly backend?: DatabaseBackend | BackendKind;
}

export interface CallOptions {
  readonly method?: string;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON where it is not text, bytes or a form. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** A gateway as it runs: Nest, Fastify, a real database, and keys of every role for the tenant `acme`. */
export class TestGateway implements AsyncDisposable {
  readonly logLines: string[];
  private readonly ownBackend: DatabaseBackend | undefined;
  private readonly ownBus: MessageBus | undefined;

  private constructor(
    readonly service: RunningService,
    readonly bus: MessageBus,
    readonly backend: DatabaseBackend,
    readonly keys: Readonly<Record<Role, CreatedApiKey>>,
    options: { readonly ownsBackend: boolean; readonly ownsBus: boolean; readonly logLines: string[] },
  ) {
    this.ownBackend = options.ownsBackend ? backend : undefined;
    this.ownBus = options.ownsBus ? bus : undefined;
    this.logLines = options.logLines;
  }

  static async start(options: TestGatewayOptions = {}): Promise<TestGateway> {
    const { environment, bus = createInProcessBus(), backend: given = 'pglite' } = options;
    const backend = typeof given === 'string' ? await testBackend(given, [{ service: 'gateway', migrations }]) : given;
    const logLines: string[] = [];
    const logger = createLogger({
      levels: parseLogLevels('debug'),
      destination: { write: (line: string) => void logLines.push(line) },
      format: 'json',
    });
    const service = await startService(gatewayService, {
      environment: { MILLRACE_HTTP_PORT: '0', ...environment },
      bus,
      backend,
      logger,
    });
    const keys = {
      admin: await createTestKey(bus, 'acme', 'admin'),
      editor: await createTestKey(bus, 'acme', 'editor'),
      viewer: await createTestKey(bus, 'acme', 'viewer'),
    };
    return new TestGateway(service, bus, backend, keys, {
      ownsBackend: typeof given === 'string',
      ownsBus: options.bus === undefined,
      logLines,
    });
  }

  get url(): string {
    return this.service.url ?? '';
  }

  /** Calls as the editor unless said otherwise; `key: null` sends none. */
  async call(path: string, options: CallOptions = {}): Promise<Response> {
    const { key = this.keys.editor.secret, headers, body, method = body === undefined ? 'GET' : 'POST' } = options;
    const isRaw = typeof body === 'string' || body instanceof Uint8Array || body instanceof FormData;
    const sent = new Headers(headers);
    if (key !== null) sent.set('authorization', `Bearer ${key}`);
    if (body !== undefined && !isRaw && !sent.has('content-type')) sent.set('content-type', 'application/json');
    return await fetch(`${this.url}${path}`, {
      method,
      headers: sent,
      body: isRaw || body === undefined ? (body as RequestInit['body']) : JSON.stringify(body),
      signal: options.signal,
    });
  }

  /** The refusal of a call: checks that it is problem details, or OpenAI's error, whole and with nothing of our inside. */
  async refusal(path: string, options: CallOptions = {}): Promise<Refusal> {
    const response = await this.call(path, options);
    return speaksOpenAi(path) ? await openAiErrorIn(response) : await problemIn(response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.drain({ graceMs: 1_000 });
    await this.ownBus?.drain({ graceMs: 1_000 });
    await this.ownBackend?.close();
  }
}

type Refusal = Pick<Problem, 'status' | 'code' | 'errors'> & Partial<Problem> & { readonly headers: Headers };

async function problemIn(response: Response): Promise<Refusal> {
  const text = await textOf(response, problemMediaType);
  const problem = JSON.parse(text) as Problem;
  if (problem.status !== response.status) throw new Error(`status ${response.status}: ${text}`);
  return { ...problem, headers: response.headers };
}

async function openAiErrorIn(response: Response): Promise<Refusal> {
  const { error } = openAiErrorSchema.parse(JSON.parse(await textOf(response, 'application/json')));
  return { status: response.status, code: error.code ?? '', errors: [], headers: response.headers };
}

async function textOf(response: Response, mediaType: string): Promise<string> {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith(mediaType) !== true)
    throw new Error(`${response.status}: ${text}`);
  if (text.includes('node_modules') || text.includes('    at ')) throw new Error(`a stack leaked: ${text}`);
  return text;
}

export async function createTestKey(bus: MessageBus, tenantId: string, role: Role): Promise<CreatedApiKey> {
  const context = { tenantId, correlationId: 'test', causationId: null };
  const envelope = envelopeOf(createKey, context, { name: `the ${role}`, role, onlyFirst: false });
  const reply = createKey.response.parse(await bus.request({ subject: createKey.subject, envelope }));
  if (!reply.key) throw new Error('no key');
  return reply.key;
}
