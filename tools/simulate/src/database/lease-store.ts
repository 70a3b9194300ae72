/** Who owns a partition, as the SQL of the leases decides it; time is the database's. */
import type { OrchestratorStores } from '@millrace/orchestrator/core';
import type { Ask } from './stores.js';
import type { LeaseRow, Tables } from './tables.js';

type Leases = ReturnType<OrchestratorStores['leases']>;
type Reports = Parameters<Leases['renew']>[0];

interface Replica {
  readonly replica: string;
  readonly ttlMs: number;
  readonly now: () => number;
}

export function leaseStore(ask: Ask, tables: Tables, { replica, ttlMs, now }: Replica): Leases {
  const { leases, replicas } = tables;
  /** The leases of the reports that are still this replica's, with what is said of them. */
  const mine = (reports: Reports): { lease: LeaseRow; publishedUntil: Date }[] =>
    reports.flatMap(({ partition, epoch, publishedUntil }) => {
      const lease = leases[partition];
      return lease?.owner === replica && lease.epoch === epoch ? [{ lease, publishedUntil }] : [];
    });
  const report = (reports: Reports, expiresAt: number): Set<number> => {
    const reported = mine(reports);
    for (const { lease, publishedUntil } of reported) {
      Object.assign(lease, { expiresAt, publishedUntil });
      tables.onReported(lease.partition, publishedUntil);
    }
    return new Set(reported.map(({ lease }) => lease.partition));
  };
  return {
    announce: () =>
      ask('announce replica', () => {
        replicas.set(replica, now() + ttlMs);
        for (const [name, expiresAt] of replicas) if (expiresAt < now()) replicas.delete(name);
        return replicas.size;
      }),
    renew: (reports) => ask('renew leases', () => report(reports, now() + ttlMs)),
    acquire: (atMost, { andOwn, now: cursor }) => {
      const askedAt = now();
      return ask('acquire leases', () => {
        const isFree = ({ owner, expiresAt }: LeaseRow): boolean =>
          owner === null || expiresAt <= now() || (owner === replica && andOwn);
        return leases
          .filter(isFree)
          .slice(0, Math.max(0, atMost))
          .map((lease) => {
            const { publishedUntil } = lease;
            lease.owner = replica;
            lease.epoch += 1;
            lease.expiresAt = now() + ttlMs;
            lease.askedAt = askedAt;
            lease.publishedUntil = publishedUntil < cursor ? publishedUntil : cursor;
            return { partition: lease.partition, epoch: lease.epoch, publishedUntil };
          });
      });
    },
    release: (reports) => ask('release leases', () => void report(reports, now())),
    leave: () => ask('leave', () => void replicas.delete(replica)),
  };
}
