import { describedMetrics, exposedLabel, type DescribedMetric } from '@millrace/telemetry';

/** Every metric of our own as a page, by name. */
export function metricsPage(): string {
  const sorted = describedMetrics().toSorted((a, b) => (a.exposedName < b.exposedName ? -1 : 1));
  const rows = sorted.map(rowOf);
  return [
    '# Metrics',
    '',
    'Generated from the catalogue in `libs/telemetry` by `npm run generate`; do not edit it by hand. What they are for stands in',
    '[docs/guides/metrics.md](../guides/metrics.md). Beside these every process tells of its CPU, memory, garbage collection and event loop',
    'under the names of prom-client (`process_…`, `nodejs_…`).',
    '',
    '| metric | type | labels | meaning | exported by |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function rowOf({ exposedName, type, definition }: DescribedMetric): string {
  const labels = Object.entries(definition.labels).map(([label, values]) => {
    const meaning =
      values.kind === 'closed'
        ? [...values.values].filter(Boolean).join(', ')
        : `${values.origin}, at most ${values.most}`;
    return `\`${exposedLabel(label)}\`: ${meaning}`;
  });
  return `| \`${exposedName}\` | ${type} | ${labels.join('<br>')} | ${definition.description} | ${definition.from} |`;
}
