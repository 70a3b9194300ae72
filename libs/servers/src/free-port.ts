import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { MillraceError } from '@millrace/kernel';

/** A port of 127.0.0.1 that was free a moment ago. Somebody may take it in between: try again with another one then. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Says at once that a port of 127.0.0.1 cannot be had, before anything is started for it. 0 is always free.
 * @throws MillraceError `port_in_use`
 */
export async function requireFreePort(port: number): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'is in use' : 'may not be used';
    const message = `Port ${port} on 127.0.0.1 ${reason}. Choose another one with --port.`;
    throw new MillraceError('conflict', 'port_in_use', message, { cause });
  } finally {
    probe.close();
  }
}
