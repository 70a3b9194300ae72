/** Finds and compiles the graph that a caller or a run means. Compiled graphs are kept by digest, bounded. */
import { type GraphIdentity, type GraphReference } from '@millrace/contracts';
import { invalidInput, notFound, type JsonObject } from '@millrace/kernel';
import { compareGraphs, compileGraph, digestOf, type CompiledGraph, type GraphComparison } from '@millrace/workflow';
import { cacheRequests } from '@millrace/telemetry';
import { LRUCache } from 'lru-cache';
import type { ResolvedGraph } from '../run/hot-run.js';
import type { OrchestratorStores } from '../schema/stores.js';
import { checkedGraph } from './new-graph-version.js';
import type { GraphLookup } from './graph.store.js';

interface WaitingLookup extends GraphLookup {
  readonly resolve: (identity: GraphIdentity | undefined) => void;
  readonly reject: (error: unknown) => void;
}

const maxCompiled = 1_000;
const hits = cacheRequests.at({ 'millrace.cache': 'graphs', 'millrace.result': 'hit' });
const misses = cacheRequests.at({ 'millrace.cache': 'graphs', 'millrace.result': 'miss' });
const maxInlineNames = 10_000;

export class GraphLibrary {
  private readonly compiled = new LRUCache<string, CompiledGraph>({ max: maxCompiled });
  /** Inline documents that are stored, by tenant and digest. */
  private readonly inline = new LRUCache<string, true>({ max: maxInlineNames });
  private waiting: WaitingLookup[] = [];
  private looking = false;

  constructor(private readonly store: OrchestratorStores['graphs']) {}

  /**
   * The graph that a start names or brings.
   * @throws MillraceError `unknown_graph` with the names that there are, `invalid_graph` with a pointer to each mistake.
   */
  async resolve(tenantId: string, reference: GraphReference): Promise<ResolvedGraph> {
    if (typeof reference !== 'string') return await this.keepInline(tenantId, reference);
    const [name = '', version] = reference.split('@');
    const identity = await this.identify({
      tenantId,
      name,
      version: version === undefined ? undefined : Number(version),
    });
    const graph = identity && (await this.ofRun(tenantId, identity));
    return graph ?? (await this.failUnknown(tenantId, reference));
  }

  /** The graph version that a run is on, or null where it is not stored. */
  async ofRun(tenantId: string, identity: GraphIdentity): Promise<ResolvedGraph | null> {
    const known = this.compiled.get(identity.digest);
    (known === undefined ? misses : hits).add(1);
    if (known !== undefined) return { identity, compiled: known };
    const document = await this.store.documentOf(tenantId, identity);
    return document === undefined ? null : { identity, compiled: this.compile(identity.digest, document) };
  }

  /** What differs between two versions that are stored. @throws Error where one is not */
  async compare(tenantId: string, from: GraphIdentity, to: GraphIdentity): Promise<GraphComparison> {
    const [before, after] = await Promise.all([from, to].map((identity) => this.store.documentOf(tenantId, identity)));
    if (before === undefined || after === undefined) throw new Error(`A version of ${from.name} is not stored.`);
    return compareGraphs(before, after);
  }

  private async keepInline(tenantId: string, given: JsonObject): Promise<ResolvedGraph> {
    const checked = await checkedGraph(given, (name, version) => this.store.get(tenantId, name, version));
    if ('violations' in checked) {
      throw invalidInput('invalid_graph', 'The graph document has mistakes.', checked.violations);
    }
    const { document, graph } = checked;
    const digest = digestOf(document);
    const name = `inline-${digest.slice(0, 32)}`;
    if (this.inline.get(`${tenantId}/${digest}`) === undefined) {
      const { description } = graph.metadata;
      await this.store.keepInline(tenantId, { name, digest, description, document });
      this.inline.set(`${tenantId}/${digest}`, true);
    }
    const compiled = this.compiled.get(digest) ?? this.compile(digest, document);
    return { identity: { name, version: 1, digest }, compiled };
  }

  /** Lookups that come while another is on its way share the next statement, so a name always means its newest version, cheaply. */
  private identify(lookup: GraphLookup): Promise<GraphIdentity | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...lookup, resolve, reject });
      if (!this.looking) void this.lookUp();
    });
  }

  private async lookUp(): Promise<void> {
    this.looking = true;
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        const identities = await this.store.identify(batch);
        batch.forEach((each, index) => each.resolve(identities[index]));
      } catch (error) {
        for (const each of batch) each.reject(error);
      }
    }
    this.looking = false;
  }

  private async failUnknown(tenantId: string, reference: string): Promise<never> {
    const names = (await this.store.list(tenantId, '', 50)).map((graph) => graph.name);
    const known = names.length === 0 ? 'There are none.' : `There are: ${names.join(', ')}.`;
    throw notFound('unknown_graph', `There is no graph ${reference}. ${known}`);
  }

  private compile(digest: string, document: JsonObject): CompiledGraph {
    const compiled = compileGraph(document);
    this.compiled.set(digest, compiled);
    return compiled;
  }
}
