import { MillraceError } from '@millrace/kernel';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Says at once that the server could not listen, before anything is started or made for it. 0 is always free.
 * @throws MillraceError `port_in_use`, `port_not_allowed`
 */
export async function requireFreePort(port: number): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
  } catch (cause) {
    throw portError(port, cause);
  } finally {
    probe.close();
  }
}

function portError(port: number, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    const advice = 'Stop the program that uses it, or choose another port with --port.';
    return new MillraceError('conflict', 'port_in_use', `Port ${port} on 127.0.0.1 is in use. ${advice}`, { cause });
  }
  if (code === 'EACCES') {
    const message = `Port ${port} may not be used by this user. Choose one above 1023 with --port.`;
    return new MillraceError('forbidden', 'port_not_allowed', message, { cause });
  }
  return cause;
}
