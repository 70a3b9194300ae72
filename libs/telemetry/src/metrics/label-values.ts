/**
 * What the labels of metrics may say. A series is kept for every combination of labels for as long as the process lives, so no
 * label may ever hold what a tenant or a message chose: every label names the set its values come from, and what is not in the set
 * becomes `other`.
 */

export interface ClosedSet<Value extends string = string> {
  readonly kind: 'closed';
  readonly values: ReadonlySet<Value>;
}

/** Values that the code or the operator's configuration decides, too many to write down here, and never more than `most`. */
export interface BoundedSet {
  readonly kind: 'bounded';
  readonly most: number;
  /** Where the values come from, for readers. */
  readonly origin: string;
}

export type LabelValues = ClosedSet | BoundedSet;

const outsideOfSet = 'other';

export const oneOf = <const Value extends string>(...values: readonly Value[]): ClosedSet<Value> => ({
  kind: 'closed',
  values: new Set(values),
});

export const upTo = (most: number, origin: string): BoundedSet => ({ kind: 'bounded', most, origin });

const printable = /^[\x20-\x7e]{0,120}$/;

/** Lets the values of one label of one metric in, and turns every other into `other`. */
export function gateOf(set: LabelValues): (value: string) => string {
  if (set.kind === 'closed') return (value) => (set.values.has(value) ? value : outsideOfSet);
  const admitted = new Set<string>();
  return (value) => {
    if (admitted.has(value)) return value;
    if (admitted.size >= set.most || !printable.test(value)) return outsideOfSet;
    admitted.add(value);
    return value;
  };
}
