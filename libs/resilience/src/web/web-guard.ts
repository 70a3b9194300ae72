/**
 * Lets requests out to the public Internet only, whatever a URL, a name server or a redirect says:
 *
 * 1. only http and https, without credentials in the URL;
 * 2. a literal address must be public;
 * 3. a name must resolve to public addresses alone, and the connection goes to one of those that were looked at;
 * 4. what a connection has really reached is looked at again.
 *
 * An operator may let certain hosts through, by name and port. Nothing that comes from a tenant can.
 */
import { MillraceError } from '@millrace/kernel';
import { lookup as lookUpName, type LookupAddress } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { isPublicAddress, literalAddress } from './addresses.js';

export type ResolveName = (
  hostname: string,
  done: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

export interface WebGuardOptions {
  /** Hosts that may be asked wherever they are, each as `host:port`. */
  readonly allow?: readonly string[];
  /** How names become addresses. Default: as the system does it. */
  readonly resolve?: ResolveName;
}

const systemResolve: ResolveName = (hostname, done) => lookUpName(hostname, { all: true, verbatim: true }, done);
const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

const refused = (message: string): MillraceError => new MillraceError('forbidden', 'address_refused', message);

export class WebGuard {
  private readonly allowed: ReadonlySet<string>;
  private readonly resolve: ResolveName;

  constructor({ allow = [], resolve = systemResolve }: WebGuardOptions = {}) {
    this.allowed = new Set(allow.map((host) => host.toLowerCase()));
    this.resolve = resolve;
  }

  /** Whether an operator lets this host and port through. */
  allows(url: URL): boolean {
    return this.allowed.has(`${url.hostname}:${url.port || (defaultPorts[url.protocol] ?? '')}`);
  }

  /**
   * The URL, if its scheme and a literal address are no reason to refuse it.
   * @throws MillraceError `invalid_url`, `address_refused`
   */
  check(text: string): URL {
    const url = URL.parse(text);
    if (url === null || !(url.protocol in defaultPorts))
      throw new MillraceError('invalid', 'invalid_url', 'The URL must be absolute and begin with http:// or https://.');
    if (url.username !== '' || url.password !== '')
      throw new MillraceError('invalid', 'invalid_url', 'The URL must hold no credentials: send them in a header.');
    const literal = literalAddress(url.hostname);
    if (literal !== undefined && !isPublicAddress(literal) && !this.allows(url))
      throw refused('The URL leads to an address that is not on the public Internet.');
    return url;
  }

  /** Looks names up for a connection, and gives addresses only where all of them are public. */
  lookupFor(url: URL): LookupFunction {
    const isAllowed = this.allows(url);
    return (hostname, options, callback) => {
      this.resolve(hostname, (error, addresses) => {
        if (error) return callback(error, []);
        if (addresses.length === 0 || !(isAllowed || addresses.every(({ address }) => isPublicAddress(address)))) {
          return callback(refused(`The name ${hostname} leads to an address that is not on the public Internet.`), []);
        }
        if (options.all) return callback(null, [...addresses]);
        callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
      });
    };
  }

  /** Ends a connection that has reached what it should not have. */
  watch(socket: Socket, url: URL): void {
    if (this.allows(url)) return;
    const look = (): void => {
      const { remoteAddress } = socket;
      if (remoteAddress === undefined || isPublicAddress(remoteAddress)) return;
      socket.destroy(refused('The connection reached an address that is not on the public Internet.'));
    };
    if (socket.connecting) socket.once('connect', look);
    else look();
  }
}
