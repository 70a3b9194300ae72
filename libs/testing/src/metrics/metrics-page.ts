/**
 * A page of metrics in the Prometheus text format, read line by line. Whether the format is right in all else is for `promtool` to
 * say; what cannot be read here is an error.
 */
type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const seriesForm = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]?(?:Inf|\d[\d.e+-]*|Nan))$/;
const labelForm = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

export class MetricsPage {
  readonly series: readonly Series[];

  constructor(readonly text: string) {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.series = lines.map(readLine);
    const keys = new Set(this.series.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()])));
    if (keys.size < this.series.length) throw new Error('A series stands on the page twice.');
  }

  /** Reads what an address shows. */
  static async fetch(url: string): Promise<MetricsPage> {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
    return new MetricsPage(await response.text());
  }

  /** The names of all series, those of buckets, sums and counts among them. */
  get names(): ReadonlySet<string> {
    return new Set(this.series.map(({ name }) => name));
  }

  /** The sum of the series that have these labels, among others; 0 where there are none. */
  sum(name: string, labels: Labels = {}): number {
    return this.matching(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  /** Whether there is a series with these labels, among others. */
  has(name: string, labels: Labels = {}): boolean {
    return this.matching(name, labels).length > 0;
  }

  private matching(name: string, labels: Labels): readonly Series[] {
    const wanted = Object.entries(labels);
    return this.series.filter(
      (series) => series.name === name && wanted.every(([label, value]) => series.labels[label] === value),
    );
  }
}

function readLine(line: string): Series {
  const [, name, labels = '', value] = seriesForm.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`No series of metrics: ${line}`);
  return { name, labels: readLabels(labels, line), value: Number(value.replace('Inf', 'Infinity')) };
}

function readLabels(text: string, line: string): Labels {
  const labels: Record<string, string> = {};
  labelForm.lastIndex = 0;
  while (labelForm.lastIndex < text.length) {
    const [, label, value] = labelForm.exec(text) ?? [];
    if (label === undefined || value === undefined) throw new Error(`Labels that cannot be read: ${line}`);
    labels[label] = value.replaceAll(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : String(escaped)));
  }
  return labels;
}
