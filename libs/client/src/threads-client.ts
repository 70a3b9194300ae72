import { type QueryInputOf, type ResponseBodyOf, routes, type Thread, type ThreadState } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import type { CallOptions } from './client-options.js';
import type { Transport } from './transport.js';

/** The routes of threads, a method for each. */
export class ThreadsClient {
  constructor(private readonly transport: Transport) {}

  async list(
    query: QueryInputOf<typeof routes.listThreads> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listThreads>> {
    return (await this.transport.call(routes.listThreads, { query, ...options })).body;
  }

  async get(id: string, options: CallOptions = {}): Promise<Thread> {
    return (await this.transport.call(routes.getThread, { params: { id }, ...options })).body;
  }

  /** Its state and history; its runs are kept. */
  async delete(id: string, options: CallOptions = {}): Promise<void> {
    await this.transport.call(routes.deleteThread, { params: { id }, ...options });
  }

  async state(id: string, options: CallOptions = {}): Promise<ThreadState> {
    return (await this.transport.call(routes.getThreadState, { params: { id }, ...options })).body;
  }

  /**
   * Merges into a thread's state, if it is of this version; 0 begins a thread, `any` takes what is there. Not sent again by itself: what
   * a lost answer had stored would be refused.
   */
  async patch(id: string, patch: JsonObject, version: number | 'any', options: CallOptions = {}): Promise<ThreadState> {
    const headers = { 'if-match': version === 'any' ? '*' : `"${version}"` };
    return (await this.transport.call(routes.patchThreadState, { params: { id }, body: patch, headers, ...options }))
      .body;
  }

  async history(
    id: string,
    query: QueryInputOf<typeof routes.listThreadHistory> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listThreadHistory>> {
    return (await this.transport.call(routes.listThreadHistory, { params: { id }, query, ...options })).body;
  }
}
