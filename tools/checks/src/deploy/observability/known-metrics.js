import { collectProcessMetrics, describedMetrics, renderMetrics } from '@millrace/telemetry';

const suffixes = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] };

/** The names of all series that a process of Millrace may show, and those that Prometheus makes itself. */
export async function knownSeries() {
  collectProcessMetrics();
  const page = await renderMetrics();
  const ofProcess = page.split('\n').flatMap((line) => /^([a-z]\w*)[{ ]/.exec(line)?.[1] ?? []);
  const ours = describedMetrics().flatMap(({ exposedName, type }) =>
    suffixes[type].map((suffix) => exposedName + suffix),
  );
  // Garbage collection shows once there was one.
  const later = ['_bucket', '_sum', '_count'].map((suffix) => `nodejs_gc_duration_seconds${suffix}`);
  return new Set([...ofProcess, ...ours, ...later, 'up']);
}

/** The labels that a metric has, with those that Prometheus adds; undefined for what is not of the catalogue. */
function labelsOf(series) {
  const metric = describedMetrics().find(({ exposedName, type }) =>
    suffixes[type].some((suffix) => exposedName + suffix === series),
  );
  if (metric === undefined) return undefined;
  const labels = Object.keys(metric.definition.labels).map((label) => label.replaceAll('.', '_'));
  return new Set([...labels, 'job', 'instance', ...(metric.type === 'histogram' ? ['le'] : [])]);
}

const aggregation = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g;

/** The series that a query in PromQL reads, with the labels it selects them by. */
function seriesIn(query) {
  const found = [];
  const text = query.replaceAll(aggregation, ' ');
  for (const [, name, selector = ''] of text.matchAll(
    /\b([a-z][a-z0-9]*(?:_[a-z0-9]+)+|up)\b(?!\s*\()(?:\{([^}]*)\})?/g,
  )) {
    found.push({ name, labels: [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label) });
  }
  return found;
}

/** What is wrong with the names in a query; empty when every series and every label of it exists. */
export function unknownNames(query, known) {
  return seriesIn(query).flatMap(({ name, labels }) => {
    if (!known.has(name)) return [`there is no series ${name}`];
    const allowed = labelsOf(name);
    return labels
      .filter((label) => allowed !== undefined && !allowed.has(label))
      .map((label) => `${name} has no label ${label}`);
  });
}
