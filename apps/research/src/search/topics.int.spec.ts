import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { InputOf, searchTask } from '@millrace/contracts';
import { sha256Hex } from '@millrace/kernel';
import { testDatabase, type TestDatabase } from '@millrace/testing';
import type { Task } from '@millrace/worker';
import { insertCollection } from '../collection/collection.store.js';
import { storeDocument } from '../ingest/document.store.js';
import { prepareDocument } from '../ingest/prepare-document.js';
import { migrations } from '../schema/migrations.js';
import type { ResearchTables } from '../schema/tables.js';
import { SearchTaskHandler } from './search-task.handler.js';

jest.setTimeout(60_000);

/** Small collections of several fields, each with topics that it treats and topics that it does not. */
const collections: Record<string, { documents: Record<string, string>; treated: string[]; foreign: string[] }> = {
  brokers: {
    documents: {
      'delivery.md': `# Delivery guarantees

A broker that promises at-most-once delivery may lose messages. At-least-once delivery never loses one, but hands some out twice, so consumers must be idempotent.

## Exactly once

Exactly-once delivery does not exist between two machines: the acknowledgement itself can get lost. What works is exactly-once processing. The consumer remembers the id of each message in the same transaction as its change, and a repeated delivery changes nothing.

## Dead letters

A message that fails again and again is set aside in a dead-letter queue together with the reason, so that its neighbours can go on. Operators look at the reason and replay the message after the fix.`,
      'durability.md': `# Durability

## What survives a crash

The broker writes every message to its log on disk before it acknowledges the producer. After a crash it reads the log again from the last snapshot. Messages that were acknowledged survive; what was still in memory is sent again by the producer.

## Replication

Each partition has a leader and two followers. The leader confirms a write once a majority of replicas hold it. When the leader dies, the followers elect a new one among those that have the whole log.

## Retention

Old segments of the log are deleted by age or by size. A compacted log keeps the newest message of each key.`,
      'operations.md': `# Operating a cluster

## Back pressure

A queue without a bound hides overload until memory runs out. Bound every queue and tell producers to slow down; a client retries with backoff and jitter.

## Monitoring

Watch the lag of each consumer group, the age of the oldest message and the disk. Lag that only grows means that consumers are too slow or stuck on a poisonous message.

## Upgrades

Upgrade one node at a time. Drain it first: it hands its partitions over, finishes what it holds, and only then restarts. We train every new operator on a test cluster, following the best practices of the field.`,
    },
    treated: [
      'Exactly-once delivery and why it is hard',
      'how does it survive a crash',
      'What happens to a message that keeps failing?',
      'replication',
      'back pressure',
      'Monitoring consumer lag with Grafana',
      'leader election when a node dies',
      'An introduction to dead letters',
      'idempotent consumers',
      'Kafka partitions and replicas',
      'how to upgrade a cluster without losing messages',
    ],
    foreign: [
      'medieval falconry techniques in Mongolia',
      'best pasta recipes',
      'how to train a puppy',
      'the history of the Roman empire',
      'growing tomatoes in a small garden',
      'cheap flights to Japan',
      'the life of Napoleon Bonaparte',
      'yoga for beginners',
      'electric cars and their batteries',
      'symptoms of the common cold',
    ],
  },
  bakery: {
    documents: {
      'sourdough.md': `# Sourdough

A sourdough starter is flour and water in which wild yeast and lactic acid bacteria live. Feed it once a day at room temperature; in the refrigerator once a week is enough. An active starter doubles within six hours and floats in water.

## The dough

Mix flour, water, salt and a fifth of starter. Fold the dough every half an hour for the first two hours. The gluten grows strong without kneading. Let it rise until it has grown by half.

## Baking

Bake in a covered iron pot at 240 degrees. Steam keeps the crust soft while the loaf expands; after twenty minutes take the lid off, so that the crust turns brown and crisp.`,
      'rye.txt': `Rye bread

Rye has little gluten, so a rye dough is sticky and never forms a smooth ball. What holds the loaf together is starch and pentosans. Without enough acid the enzymes of rye turn the crumb to glue, which is why rye is baked with sourdough.

Let a rye loaf rest for a day before it is cut. It keeps for more than a week in a linen cloth.`,
      'pastry.html': `<!doctype html><title>Puff pastry</title><main><h1>Puff pastry</h1><p>Puff pastry is folded, not
        leavened. A block of cold butter is wrapped in dough, rolled out and folded six times. In the oven the water in the
        butter turns to steam and lifts the layers apart.</p><h2>When it fails</h2><p>If the butter melts before baking, the
        layers stick together. Work fast, and put the dough in the refrigerator between the turns.</p></main>`,
    },
    treated: [
      'Why is rye bread made with sourdough?',
      'how to feed a starter',
      'gluten',
      'What makes a crisp crust',
      'puff pastry layers',
      'keeping sourdough starter in the refrigerator',
      'croissant and puff pastry',
    ],
    foreign: [
      'message brokers',
      'exactly-once delivery',
      'the fall of the Berlin wall',
      'how do vaccines protect children',
      'quantum computers',
      'training neural networks',
      'mortgage interest rates',
      'Kubernetes deployment strategies',
    ],
  },
  antiquity: {
    documents: {
      'aqueducts.md': `# Roman aqueducts

The aqueducts brought water to Rome from springs up to ninety kilometres away. Engineers gave the channel a fall of a few centimetres in a hundred metres, and crossed valleys on arches or through lead pipes under pressure.

## Decline

The Goths cut the aqueducts in 537. The city shrank to what wells and the Tiber could supply, and most hills stood empty for centuries.`,
      'legions.md': `# The legions

A legion of the early empire had about five thousand men in ten cohorts. Soldiers served for twenty years and received land or money at the end. Between campaigns they built roads, bridges and camps.

## Supply

Grain came from Egypt and Sicily by ship. A legion in the field ate eight tons a day, so rivers decided where an army could march.`,
    },
    treated: [
      'the history of the Roman empire',
      'how did Rome get its water',
      'legions',
      'What did soldiers of the empire eat?',
      'Roman aqueducts and the Goths',
    ],
    foreign: [
      'dead letter queues',
      'sourdough bread',
      'how to train a puppy',
      'climbing Mount Everest',
      'TypeScript generics',
    ],
  },
};

describe('the topics of a collection', () => {
  let test: TestDatabase<ResearchTables>;
  const searchFor = (input: Pick<InputOf<typeof searchTask>, 'collection' | 'query'> & { allowEmpty?: boolean }) =>
    new SearchTaskHandler(test.database).handle({ limit: 10, allowEmpty: false, ...input }, {
      tenantId: 'acme',
    } as unknown as Task);

  beforeAll(async () => {
    test = await testDatabase<ResearchTables>({ backend: 'pglite', service: 'research', migrations });
    for (const [collection, { documents }] of Object.entries(collections)) {
      for (const [source, text] of Object.entries(documents)) {
        const prepared = await prepareDocument({ source, bytes: Buffer.from(text) });
        const hashes = { contentSha256: sha256Hex(text), snapshotSha256: sha256Hex(prepared.text) };
        await test.database.forTenant('acme', async (transaction) => {
          await insertCollection(transaction, 'acme', collection, '');
          await storeDocument(transaction, { tenantId: 'acme', collection, source, ...hashes, prepared });
        });
      }
    }
  });
  afterAll(() => test.close());

  const topics = (kind: 'treated' | 'foreign') =>
    Object.entries(collections).flatMap(([collection, topicsOf]) =>
      topicsOf[kind].map((query) => ({ collection, query })),
    );

  it.each(topics('treated'))('$collection treat "$query"', async ({ collection, query }) => {
    const { output } = await searchFor({ collection, query });
    expect(output.passages.length).toBeGreaterThan(0);
  });

  it.each(topics('foreign'))('$collection say nothing about "$query"', async ({ collection, query }) => {
    await expect(searchFor({ collection, query })).rejects.toMatchObject({
      kind: 'not-found',
      code: 'no_evidence',
      retryable: false,
    });
    const { output } = await searchFor({ collection, query, allowEmpty: true });
    expect(output).toMatchObject({ query, passages: [] });
  });

  it.each([
    ['brokers', 'exactly-once processing', 'delivery.md'],
    ['brokers', 'which log segments are deleted', 'durability.md'],
    ['bakery', 'rye enzymes', 'rye.txt'],
    ['bakery', 'what if the butter melts', 'pastry.html'],
    ['antiquity', 'who cut the aqueducts', 'aqueducts.md'],
  ])('%s answer "%s" from %s', async (collection, query, source) => {
    const { output } = await searchFor({ collection, query });
    expect(output.passages[0]?.source).toBe(source);
  });
});
