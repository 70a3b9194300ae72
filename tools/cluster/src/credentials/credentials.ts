/** The passwords of an installation: made once, kept in one file that only its owner may read, never shown. */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '@millrace/kernel';
import { z } from 'zod';
import { services } from '../services.js';

const credentialsSchema = z.object({
  postgres: z.string(),
  redis: z.string(),
  /** Of the NATS user who may do everything. */
  operator: z.string(),
  /** Of each service: on NATS, on Postgres, and of the owner of its tables. */
  services: z.record(z.string(), z.object({ nats: z.string(), login: z.string(), owner: z.string() })),
  /** NATS users who see the events of one tenant. */
  subscribers: z.record(z.string(), z.string()),
});
export type Credentials = z.infer<typeof credentialsSchema>;

/** A letter first: nats-server reads what begins with a digit as a number. */
export const newPassword = (): string => `p${randomBytes(24).toString('hex')}`;

const newServiceCredentials = () => ({ nats: newPassword(), login: newPassword(), owner: newPassword() });

export const credentialsFileOf = (folder: string): string => join(folder, 'credentials.json');

/** Those of a folder, made where there are none. @throws MillraceError `credentials_unreadable` */
export async function openCredentials(folder: string): Promise<Credentials> {
  const known = await readCredentials(credentialsFileOf(folder));
  const ofService = (name: string) => known?.services[name] ?? newServiceCredentials();
  const credentials: Credentials = {
    postgres: known?.postgres ?? newPassword(),
    redis: known?.redis ?? newPassword(),
    operator: known?.operator ?? newPassword(),
    services: Object.fromEntries(services.map(({ name }) => [name, ofService(name)])),
    subscribers: known?.subscribers ?? {},
  };
  await saveCredentials(folder, credentials);
  return credentials;
}

/** Written beside and renamed, so that it is never half there. */
export async function saveCredentials(folder: string, credentials: Credentials): Promise<void> {
  const part = `${credentialsFileOf(folder)}.part`;
  await writeFile(part, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(part, credentialsFileOf(folder));
}

async function readCredentials(file: string): Promise<Credentials | undefined> {
  try {
    return credentialsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // The cause may quote the file.
    throw new MillraceError(
      'invalid',
      'credentials_unreadable',
      `${file} holds no credentials of Millrace. Restore it, or choose another folder with --data.`,
    );
  }
}
