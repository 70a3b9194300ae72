import { readFileSync } from 'node:fs';

/** All packages of a build have one version. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const buildVersion: string = version;
