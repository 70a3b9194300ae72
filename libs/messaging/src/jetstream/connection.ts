/** The connection to NATS: found at the start or an error, kept for ever afterwards. */
import { MillraceError } from '@millrace/kernel';
import { errors, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { inboxPrefixOf } from '../access/nats-permissions.js';
import { Departures, type DepartingMessage } from './departures.js';
import { busConnected, busReconnects } from '@millrace/telemetry';

export interface ConnectionOptions {
  readonly servers: string | readonly string[];
  /** The service's name: it shows in the server's list of connections and in the inbox prefix. */
  readonly name: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Where replies come in; one per service, so that permissions keep services from reading each other's. Default `_INBOX_<name>`. */
  readonly inboxPrefix?: string;
  /** Between two attempts to connect again, in milliseconds; as much again at random on top. Default 250. */
  readonly reconnectWaitMs?: number;
}

/** @throws MillraceError `bus_unavailable`, `bus_unauthorized` */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { servers, name, user, pass, token, inboxPrefix = inboxPrefixOf(name), reconnectWaitMs = 250 } = options;
  try {
    const nats = await connect({
      servers: typeof servers === 'string' ? servers : [...servers],
      name,
      ...(user !== undefined && { user, pass }),
      ...(token !== undefined && { token }),
      inboxPrefix,
      // The default gives up for good after some twenty seconds.
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectWaitMs,
      reconnectJitter: reconnectWaitMs,
      pingInterval: 10_000,
      noAsyncTraces: true,
    });
    return new Connection(nats, inboxPrefix);
  } catch (cause) {
    if (cause instanceof errors.AuthorizationError) {
      throw new MillraceError('unauthenticated', 'bus_unauthorized', 'NATS refused the credentials.', { cause });
    }
    // Addresses may hold credentials, so the message names none.
    throw new MillraceError('unavailable', 'bus_unavailable', 'NATS cannot be reached at the configured servers.', {
      cause,
    });
  }
}

export class Connection {
  private connected = true;
  private waiting: (() => void)[] = [];
  private readonly disconnectListeners = new Set<() => void>();
  private readonly reconnectListeners = new Set<() => void>();
  private readonly departures: Departures;
  private readonly reconnects = busReconnects.at({});
  private readonly refusalListeners = new Set<(subject: string, cause: Error) => void>();

  constructor(
    readonly nats: NatsConnection,
    readonly inboxPrefix: string,
  ) {
    this.departures = new Departures(
      ({ subject, payload, headers, reply }) => nats.publish(subject, payload, { headers, reply }),
      () => this.isConnected,
    );
    const stopMeasuring = busConnected.observe(() => [{ labels: {}, value: this.isConnected ? 1 : 0 }]);
    void nats.closed().then(stopMeasuring);
    void this.watch();
  }

  get isConnected(): boolean {
    return this.connected && !this.nats.isClosed();
  }

  /** Sends a message with the others of this turn. */
  publish(message: DepartingMessage): void {
    this.departures.add(message);
  }

  /** Sends what was published in this turn at once, so that what follows on the connection comes after it. */
  flush(): void {
    this.departures.leave();
  }

  /** Sends what was published, ends every subscription and then the connection. Resolves when it is closed. */
  async drain(): Promise<void> {
    this.flush();
    await (this.isConnected ? this.nats.drain().catch(() => this.nats.close()) : this.nats.close());
  }

  onDisconnect(listener: () => void): () => void {
    this.disconnectListeners.add(listener);
    return () => this.disconnectListeners.delete(listener);
  }

  onReconnect(listener: () => void): () => void {
    this.reconnectListeners.add(listener);
    return () => this.reconnectListeners.delete(listener);
  }

  /** Hears of what this user may not publish; the server says so some time after it was sent. */
  onRefusal(listener: (subject: string, cause: Error) => void): void {
    this.refusalListeners.add(listener);
  }

  /** Undefined while connected, so that nobody pays for a promise; else resolves when it is back. @throws MillraceError `bus_unavailable` */
  whenConnected(timeoutMs: number): Promise<void> | undefined {
    if (this.isConnected) return undefined;
    const unavailable = new MillraceError('unavailable', 'bus_unavailable', 'The connection to NATS is down.');
    if (this.nats.isClosed()) return Promise.reject(unavailable);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== proceed);
        reject(unavailable);
      }, timeoutMs);
      const proceed = (): void => {
        clearTimeout(timer);
        if (this.isConnected) resolve();
        else reject(unavailable);
      };
      this.waiting.push(proceed);
    });
  }

  private async watch(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === 'disconnect') this.lose();
      else if (status.type === 'reconnect') this.resume();
      else if (status.type === 'error') this.refuse(status.error);
    }
    this.lose();
    this.release();
  }

  private refuse(error: Error): void {
    if (!(error instanceof errors.PermissionViolationError) || error.operation !== 'publish') return;
    for (const listener of this.refusalListeners) listener(error.subject, error);
  }

  private lose(): void {
    this.connected = false;
    for (const listener of this.disconnectListeners) listener();
  }

  private resume(): void {
    this.connected = true;
    this.reconnects.add(1);
    this.release();
    for (const listener of this.reconnectListeners) listener();
  }

  private release(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const proceed of waiting) proceed();
  }
}
