/** NATS clients take credentials beside the address, not in it. */
export function natsAddress(url: string): { readonly servers: string; readonly user: string; readonly pass: string } {
  const { host, username, password } = new URL(url);
  return { servers: `nats://${host}`, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}
