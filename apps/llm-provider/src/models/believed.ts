/** More tenants are not remembered at once. */
const mostTenants = 1_000;

interface Belief<Value> {
  readonly until: number;
  readonly value: Promise<Value>;
}

/** What was read of each tenant, believed for a while: so long another process goes on with what has changed. */
export class Believed<Value> {
  private readonly beliefs = new Map<string, Belief<Value>>();
  private readonly newest = new Map<string, Value>();

  /** @param read what is true now */
  constructor(
    private readonly read: (tenantId: string) => Promise<Value>,
    private readonly believedMs = 5_000,
  ) {}

  of(tenantId: string): Promise<Value> {
    const known = this.beliefs.get(tenantId);
    if (known !== undefined && known.until > performance.now()) return known.value;
    const value = this.read(tenantId);
    value.then(
      (read) => void keep(this.newest, tenantId, read),
      () => this.forget(tenantId),
    );
    keep(this.beliefs, tenantId, { until: performance.now() + this.believedMs, value });
    return value;
  }

  /** What was read last, however long ago; undefined where nothing was. */
  last(tenantId: string): Value | undefined {
    return this.newest.get(tenantId);
  }

  forget(tenantId: string): void {
    this.beliefs.delete(tenantId);
  }
}

/** Keeps a value; beyond the bound that which was kept first goes. */
export function keep<Value>(map: Map<string, Value>, key: string, value: Value, most = mostTenants): Value {
  const [oldest] = map.keys();
  if (map.size >= most && oldest !== undefined && !map.has(key)) map.delete(oldest);
  map.set(key, value);
  return value;
}
