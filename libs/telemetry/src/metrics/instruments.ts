/**
 * Counters, gauges and histograms whose cells are found once and used often: `counter.at(labels)` gives the cell, and adding to a
 * cell is an addition. (Libraries look the labels up with every record, which costs a microsecond on a hot path.)
 */
import { expose } from './exposition.js';
import { gateOf, type BoundedSet, type ClosedSet, type LabelValues } from './label-values.js';

/** `1` and what stands in braces do not show in the name. */
export type Unit = 's' | 'By' | 'USD' | '1' | `{${string}}`;

type LabelSets = Readonly<Record<string, LabelValues>>;

export interface MetricDefinition<Labels extends LabelSets = LabelSets> {
  /** Of `metricName`. */
  readonly name: string;
  readonly unit: Unit;
  readonly description: string;
  readonly labels: Labels;
  /** Which processes export it, and which of their replicas where that is not all. */
  readonly from: string;
}

/** What `at` takes: a value of the set for each label. */
export type LabelsOf<Labels extends LabelSets> = {
  readonly [Label in keyof Labels]: Labels[Label] extends ClosedSet<infer Value>
    ? Value
    : Labels[Label] extends BoundedSet
      ? string
      : never;
};

export interface DescribedMetric {
  readonly definition: MetricDefinition;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** As Prometheus calls it. */
  readonly exposedName: string;
}

const described: DescribedMetric[] = [];

/** Every metric that there is, whether this process shows it or not. */
export const describedMetrics = (): readonly DescribedMetric[] => described;

const unitSuffix: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', USD: '_usd' };

export const exposedLabel = (label: string): string => label.replaceAll('.', '_');

function exposedName({ name, unit }: MetricDefinition, type: DescribedMetric['type']): string {
  return `${exposedLabel(name)}${unitSuffix[unit] ?? ''}${type === 'counter' ? '_total' : ''}`;
}

interface Entry<Cell> {
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: Cell;
}

/** The cells of one metric, by the values of its labels. */
class Cells<Labels extends LabelSets, Cell> {
  readonly exposedName: string;
  private readonly entries = new Map<string, Entry<Cell>>();
  private readonly gates: readonly (readonly [label: string, gate: (value: string) => string])[];
  private isExposed = false;

  constructor(
    private readonly definition: MetricDefinition<Labels>,
    private readonly type: DescribedMetric['type'],
    private readonly newCell: () => Cell,
    private readonly samplesOf: (entries: Iterable<Entry<Cell>>) => ReturnType<Parameters<typeof expose>[0]['samples']>,
  ) {
    this.exposedName = exposedName(definition, type);
    this.gates = Object.entries(definition.labels).map(([label, set]) => [label, gateOf(set)]);
    if (described.some((other) => other.exposedName === this.exposedName))
      throw new Error(`There are two metrics ${this.exposedName}.`);
    described.push({ definition, type, exposedName: this.exposedName });
  }

  at(values: LabelsOf<Labels>): Cell {
    let key = '';
    for (const [label, gate] of this.gates) key += `${gate((values as Record<string, string>)[label] ?? '')}\u0000`;
    return (this.entries.get(key) ?? this.add(key)).cell;
  }

  show(): void {
    if (this.isExposed) return;
    this.isExposed = true;
    const { exposedName: name, type } = this;
    expose({ name, type, help: this.definition.description, samples: () => this.samplesOf(this.entries.values()) });
  }

  private add(key: string): Entry<Cell> {
    const values = key.split('\u0000');
    // To Prometheus a label that is empty is one that is not there.
    const labels = Object.fromEntries(
      this.gates
        .map(([label], index) => [exposedLabel(label), values[index] ?? ''])
        .filter(([, value]) => value !== ''),
    ) as Record<string, string>;
    const entry = { labels, cell: this.newCell() };
    this.entries.set(key, entry);
    this.show();
    return entry;
  }
}

export class NumberCell {
  value = 0;

  add(amount: number): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }
}

/** Grows. `add` takes what is not negative. */
export type CounterCell = Pick<NumberCell, 'add'>;
export type GaugeCell = NumberCell;

const numbersOf = (entries: Iterable<Entry<NumberCell>>) =>
  [...entries].map(({ labels, cell }) => ({ labels, value: cell.value }));

export interface Counter<Labels extends LabelSets> {
  /** The cell for these labels; it shows from now on, with 0 until something is added. */
  at(labels: LabelsOf<Labels>): CounterCell;
  /** Asks with every scrape for numbers that somebody counts anyway, until the function that is returned is called. */
  observe(read: () => readonly Reading<Labels>[]): () => void;
}

export function counter<const Labels extends LabelSets>(definition: MetricDefinition<Labels>): Counter<Labels> {
  return readable(definition, 'counter', 'sum');
}

export interface Reading<Labels extends LabelSets> {
  readonly labels: LabelsOf<Labels>;
  readonly value: number;
}

export interface Gauge<Labels extends LabelSets> {
  at(labels: LabelsOf<Labels>): GaugeCell;
  /** Asks for readings with every scrape, until the function that is returned is called. Several observers are put together. */
  observe(read: () => readonly Reading<Labels>[]): () => void;
}

/** `merge` says what readings of one series by several observers come to. */
export function gauge<const Labels extends LabelSets>(
  definition: MetricDefinition<Labels>,
  merge: 'sum' | 'max' = 'sum',
): Gauge<Labels> {
  return readable(definition, 'gauge', merge);
}

function readable<const Labels extends LabelSets>(
  definition: MetricDefinition<Labels>,
  type: 'counter' | 'gauge',
  merge: 'sum' | 'max',
): Gauge<Labels> {
  const observers = new Set<() => readonly Reading<Labels>[]>();
  const observed = new Set<NumberCell>();
  const cells = new Cells<Labels, NumberCell>(
    definition,
    type,
    () => new NumberCell(),
    (entries) => {
      readObservers();
      return numbersOf(entries).filter(({ value }) => !Number.isNaN(value));
    },
  );
  function readObservers(): void {
    // What nobody reads any more is not shown, rather than shown as it once was.
    for (const cell of observed) cell.set(Number.NaN);
    for (const read of observers) {
      for (const { labels, value } of read()) {
        const cell = cells.at(labels);
        observed.add(cell);
        const before = cell.value;
        cell.set(Number.isNaN(before) ? value : merge === 'sum' ? before + value : Math.max(before, value));
      }
    }
  }
  return {
    at: (labels) => cells.at(labels),
    observe(read) {
      observers.add(read);
      cells.show();
      return () => void observers.delete(read);
    },
  };
}

export class HistogramCell {
  private readonly counts: Float64Array;
  private sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) index += 1;
    counts[index] = (counts[index] as number) + 1;
    this.sum += value;
  }

  /** What has been recorded, as Prometheus counts: each bucket holds those below it. */
  read(): { readonly buckets: readonly (readonly [bound: string, count: number])[]; sum: number; count: number } {
    let count = 0;
    const buckets = [...this.bounds.map(String), '+Inf'].map((bound, index) => {
      count += this.counts[index] ?? 0;
      return [bound, count] as const;
    });
    return { buckets, sum: this.sum, count };
  }
}

export interface Histogram<Labels extends LabelSets> {
  at(labels: LabelsOf<Labels>): Pick<HistogramCell, 'record'>;
}

/** `bounds` are the upper bounds of the buckets, ascending. */
export function histogram<const Labels extends LabelSets>(
  definition: MetricDefinition<Labels>,
  bounds: readonly number[],
): Histogram<Labels> {
  const cells: Cells<Labels, HistogramCell> = new Cells(
    definition,
    'histogram',
    () => new HistogramCell(bounds),
    (entries) => [...entries].flatMap(({ labels, cell }) => histogramSamples(cells.exposedName, labels, cell)),
  );
  return cells;
}

function histogramSamples(name: string, labels: Readonly<Record<string, string>>, cell: HistogramCell) {
  const { buckets, sum, count } = cell.read();
  return [
    ...buckets.map(([le, value]) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
