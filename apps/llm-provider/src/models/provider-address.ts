import { type NewProvider, type ProviderKind, providerKindSchema } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { defaultBaseUrls } from '../providers/open-provider.js';

/** Where the well-known providers are. */
const knownHosts: ReadonlySet<string> = new Set(
  providerKindSchema.options.flatMap((kind: ProviderKind) => {
    const address = defaultBaseUrls[kind];
    return address === null ? [] : [new URL(address).host];
  }),
);
const azureHost = /^[a-z0-9-]+\.(openai\.azure\.com|cognitiveservices\.azure\.com)$/;

/**
 * The address of a tenant's provider. It must be at a host that the installation allows: whatever else this process can reach,
 * by name or by number, is none of a tenant's business.
 * @param allowed hosts with their ports, beside those of well-known providers; only these may be called without TLS
 * @throws MillraceError `missing_base_url`, `host_not_allowed`
 */
export function providerAddress({ kind, baseUrl }: NewProvider, allowed: readonly string[]): string {
  const address = baseUrl ?? defaultBaseUrls[kind];
  if (address === null) {
    throw invalidInput('missing_base_url', `A provider of the kind ${kind} needs its address.`, [
      { pointer: '/baseUrl', message: `is needed for ${kind}` },
    ]);
  }
  const { host, protocol } = new URL(address);
  const isKnown = protocol === 'https:' && (knownHosts.has(host) || (kind === 'azure-openai' && azureHost.test(host)));
  if (isKnown || allowed.includes(host)) return address.replace(/\/+$/, '');
  throw invalidInput(
    'host_not_allowed',
    `Providers may not be at ${host}. The operator of this installation allows hosts.`,
    [{ pointer: '/baseUrl', message: 'is at a host that is not allowed' }],
  );
}
