/** A proxy between a client and its server that loses what a test tells it to. */
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections it has refused so far. */
  readonly refused: number;
  /** From now on what the server says is lost, until `heal`. */
  muteServer(): void;
  /** From now on what either says is lost, and that one has gone as well: a cable is cut. Until `heal`. */
  blackhole(): void;
  heal(): void;
  /** Cuts every connection and refuses new ones until `heal`: to the server the client has crashed. */
  sever(): void;
}

/** Between `127.0.0.1` and a port of a server. */
export async function startTcpProxy(targetPort: number, targetHost = '127.0.0.1'): Promise<TcpProxy> {
  let muted = false;
  let blackholed = false;
  let severed = false;
  let refused = 0;
  const sockets = new Set<Socket>();
  const join = (client: Socket): void => {
    if (severed) {
      refused += 1;
      client.destroy();
      return;
    }
    const server = connect(targetPort, targetHost);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      const end = (): void => {
        if (!blackholed) other.destroy();
      };
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', (data) => {
      if (!blackholed) server.write(data);
    });
    server.on('data', (data) => {
      if (!muted && !blackholed) client.write(data);
    });
  };
  const listener = createServer(join).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    get refused() {
      return refused;
    },
    muteServer: () => (muted = true),
    blackhole: () => (blackholed = true),
    heal: () => {
      // Half-heard words cannot be continued: after silence the client must connect anew.
      if (muted || blackholed) cut();
      muted = false;
      blackholed = false;
      severed = false;
    },
    sever: () => {
      severed = true;
      cut();
    },
    [Symbol.asyncDispose]: async () => {
      severed = true;
      cut();
      listener.close();
      await once(listener, 'close');
    },
  };
}
