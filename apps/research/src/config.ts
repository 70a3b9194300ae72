import { hostList, readConfiguration, variable, wholeNumber, type Environment } from '@millrace/service';

export interface ResearchConfig {
  /** Searches worked on at once. */
  readonly searchSlots: number;
  /** Pages fetched at once. */
  readonly browserSlots: number;
  /** Hosts whose pages may be fetched though they are not on the public Internet. */
  readonly allowedHosts: readonly string[];
  /** Documents prepared at once, each on a thread of its own. */
  readonly ingestThreads: number;
  /** How long the preparation of one document may take, in milliseconds. */
  readonly ingestTimeoutMs: number;
}

export const readConfig = (environment: Environment): ResearchConfig =>
  readConfiguration(environment, {
    searchSlots: variable('MILLRACE_RESEARCH_SEARCH_SLOTS', wholeNumber({ min: 1, max: 256 }).default(8), '8'),
    browserSlots: variable('MILLRACE_RESEARCH_BROWSER_SLOTS', wholeNumber({ min: 1, max: 256 }).default(8), '8'),
    allowedHosts: variable('MILLRACE_RESEARCH_HTTP_ALLOW', hostList(), 'wiki.internal:443,10.0.0.7:8080'),
    ingestThreads: variable('MILLRACE_RESEARCH_INGEST_THREADS', wholeNumber({ min: 1, max: 64 }).default(1), '1'),
    ingestTimeoutMs: variable(
      'MILLRACE_RESEARCH_INGEST_TIMEOUT_MS',
      wholeNumber({ min: 100, max: 600_000 }).default(30_000),
      '30000',
    ),
  });
