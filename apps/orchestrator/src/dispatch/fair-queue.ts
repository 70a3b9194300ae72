/**
 * What waits for its turn, shared out between tenants, and within a tenant between priorities. Pure.
 *
 * 1. Between tenants that have something waiting, turns are shared in proportion to their weights, whatever each of them brings.
 * 2. Within a tenant, turns are shared in proportion to the weights of the priorities, so that none of them waits for ever.
 * 3. Of one tenant and priority, whoever came first goes first.
 * 4. Who comes back after a time without anything waiting has saved nothing up.
 */
import type { RunPriority } from '@millrace/contracts';

/** Of so many turns of a tenant that has all of them waiting, each priority gets so many. */
export const priorityWeights: Readonly<Record<RunPriority, number>> = { high: 16, normal: 4, low: 1 };

export class FairQueue<Item> {
  private readonly tenants = new Shares<string, Shares<RunPriority, Line<Item>>>();
  private count = 0;

  constructor(private readonly weightOf: (tenantId: string) => number) {}

  get size(): number {
    return this.count;
  }

  push(tenantId: string, priority: RunPriority, item: Item): void {
    const priorities = this.tenants.joined(tenantId, this.weightOf(tenantId), () => new Shares());
    const line = priorities.joined(priority, priorityWeights[priority], () => new Line());
    line.push(item);
    this.count += 1;
  }

  /** Whose turn it is; undefined where nothing waits. */
  shift(): Item | undefined {
    const tenant = this.tenants.next();
    const priority = tenant?.member.next();
    const item = priority?.member.shift();
    if (tenant === undefined || priority === undefined || item === undefined) return undefined;
    this.count -= 1;
    priority.taken(priority.member.length === 0);
    tenant.taken(tenant.member.isEmpty);
    return item;
  }

  /** Takes out what nobody needs any more. */
  remove(isUnneeded: (item: Item) => boolean): Item[] {
    const kept: [string, RunPriority, Item][] = [];
    const removed: Item[] = [];
    for (const [tenantId, priorities] of this.tenants.members()) {
      for (const [priority, line] of priorities.members()) {
        for (const item of line.items()) {
          if (isUnneeded(item)) removed.push(item);
          else kept.push([tenantId, priority, item]);
        }
      }
    }
    if (removed.length === 0) return [];
    this.tenants.clearMembers((priorities) => priorities.clearMembers((line) => line.clear()));
    this.count = 0;
    for (const [tenantId, priority, item] of kept) this.push(tenantId, priority, item);
    this.tenants.dropEmpty((priorities) => {
      priorities.dropEmpty((line) => line.length === 0);
      return priorities.isEmpty;
    });
    return removed;
  }
}

interface Share<Member> {
  readonly member: Member;
  readonly weight: number;
  /** How far it has got: each turn moves it by one over its weight. */
  pass: number;
}

/** Members by name, of which the one that has got least far is next. */
class Shares<Name, Member> {
  private readonly shares = new Map<Name, Share<Member>>();
  /** How far whoever had the last turn had got. */
  private reached = 0;

  get isEmpty(): boolean {
    return this.shares.size === 0;
  }

  joined(name: Name, weight: number, make: () => Member): Member {
    const known = this.shares.get(name);
    if (known !== undefined) return known.member;
    const share = { member: make(), weight, pass: this.reached + 1 / weight };
    this.shares.set(name, share);
    return share.member;
  }

  /** Undefined where there is no member. `taken` says that it had its turn, and whether it is empty now. */
  next(): { readonly member: Member; readonly taken: (isEmpty: boolean) => void } | undefined {
    let least: readonly [Name, Share<Member>] | undefined;
    for (const entry of this.shares) if (least === undefined || entry[1].pass < least[1].pass) least = entry;
    if (least === undefined) return undefined;
    const [name, share] = least;
    return {
      member: share.member,
      taken: (isEmpty) => {
        this.reached = share.pass;
        share.pass += 1 / share.weight;
        if (isEmpty) this.shares.delete(name);
      },
    };
  }

  *members(): Iterable<[Name, Member]> {
    for (const [name, { member }] of this.shares) yield [name, member];
  }

  clearMembers(clear: (member: Member) => void): void {
    for (const { member } of this.shares.values()) clear(member);
  }

  dropEmpty(isEmpty: (member: Member) => boolean): void {
    for (const [name, { member }] of [...this.shares]) if (isEmpty(member)) this.shares.delete(name);
  }
}

/** First in, first out. */
class Line<Item> {
  private waiting: Item[] = [];
  private head = 0;

  get length(): number {
    return this.waiting.length - this.head;
  }

  push(item: Item): void {
    this.waiting.push(item);
  }

  shift(): Item | undefined {
    const item = this.waiting[this.head];
    if (item === undefined) return undefined;
    this.head += 1;
    if (this.head > 64 && this.head * 2 > this.waiting.length) {
      this.waiting = this.waiting.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  items(): readonly Item[] {
    return this.waiting.slice(this.head);
  }

  clear(): void {
    this.waiting = [];
    this.head = 0;
  }
}
