/** Prometheus reads the configuration and the rules; every alert is tested and explained; no query names what does not exist. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { goTool } from '../../go-tool.js';
import { knownSeries, unknownNames } from './known-metrics.js';

const run = promisify(execFile);
const alertsFolder = 'deploy/alerts';
const dashboardsFolder = 'deploy/dashboards';
const outcome = (problems) => ({ ok: problems.length === 0, output: problems.join('\n') });
const filesIn = async (folder, ending) =>
  (await readdir(folder)).filter((name) => name.endsWith(ending)).map((name) => join(folder, name));

/** @returns {Promise<string[]>} what promtool complained of */
async function promtool(...words) {
  try {
    await run(await goTool('promtool'), words, { maxBuffer: 16 * 1024 * 1024 });
    return [];
  } catch (error) {
    return `${error.stdout ?? ''}${error.stderr ?? error.message}`.split('\n').filter(Boolean);
  }
}

/** Rule files stand elsewhere in the container, so only the syntax is looked at; the rules have a check of their own. */
async function checkPrometheusConfiguration() {
  return outcome(await promtool('check', 'config', '--syntax-only', 'deploy/prometheus/prometheus.yml'));
}

async function checkAlerts() {
  const files = await filesIn(alertsFolder, '.yaml');
  const tests = await filesIn(join(alertsFolder, 'tests'), '.yaml');
  const known = await knownSeries();
  const rules = (await Promise.all(files.map(rulesOf))).flat();
  const problems = [
    ...(await promtool('check', 'rules', ...files)),
    ...(await promtool('test', 'rules', ...tests)),
    ...rules.flatMap(({ alert, expr }) => unknownNames(expr, known).map((problem) => `${alert}: ${problem}`)),
    ...(await untested(rules, tests)),
    ...(await unexplained(rules)),
  ];
  return outcome(problems);
}

const rulesOf = async (file) => parse(await readFile(file, 'utf8')).groups.flatMap(({ rules }) => rules);

/** Alerts of which no test says when they fire, or none when they do not. */
async function untested(rules, files) {
  const fires = new Set();
  const isQuiet = new Set();
  for (const file of files) {
    for (const { alert_rule_test: cases = [], input_series: series } of parse(await readFile(file, 'utf8')).tests) {
      for (const { alertname, exp_alerts: expected = [] } of cases) {
        if (expected.length > 0) fires.add(alertname);
        // Either nothing fires, or of several series only some do.
        if (expected.length === 0 || series.length > expected.length) isQuiet.add(alertname);
      }
    }
  }
  return rules.flatMap(({ alert }) => [
    ...(fires.has(alert) ? [] : [`no test says when ${alert} fires`]),
    ...(isQuiet.has(alert) ? [] : [`no test says when ${alert} does not fire`]),
  ]);
}

/** Alerts that the guide does not explain, and those it explains that do not exist. */
async function unexplained(rules) {
  const guide = await readFile('docs/guides/alerts.md', 'utf8');
  const explained = new Set([...guide.matchAll(/^### (Millrace\w+)$/gm)].map(([, name]) => name));
  const names = new Set(rules.map(({ alert }) => alert));
  return [
    ...rules.flatMap(({ alert, annotations }) => [
      ...(explained.has(alert) ? [] : [`docs/guides/alerts.md does not explain ${alert}`]),
      ...(annotations?.runbook === `docs/guides/alerts.md#${alert.toLowerCase()}`
        ? []
        : [`${alert} does not name its runbook`]),
    ]),
    ...[...explained].filter((name) => !names.has(name)).map((name) => `${name} is explained and no alert`),
  ];
}

async function checkDashboards() {
  const known = await knownSeries();
  const problems = [];
  const queries = [];
  const uids = new Set();
  for (const file of await filesIn(dashboardsFolder, '.json')) {
    const dashboard = JSON.parse(await readFile(file, 'utf8'));
    problems.push(...mistakesIn(dashboard, uids).map((mistake) => `${file}: ${mistake}`));
    for (const { title, expr } of queriesOf(dashboard)) {
      queries.push(expr);
      problems.push(...unknownNames(expr, known).map((problem) => `${file}: "${title}": ${problem}`));
    }
  }
  return outcome([...problems, ...(await invalidQueries(queries))]);
}

const queriesOf = ({ panels }) =>
  panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

/** What Grafana would stumble over, or show wrongly. */
function mistakesIn({ uid, title, schemaVersion, panels = [] }, uids) {
  const mistakes = [];
  if (!/^[a-z0-9-]{1,40}$/.test(uid ?? '') || uids.has(uid)) mistakes.push('its uid is missing or not its own');
  uids.add(uid);
  if (!title || !Number.isInteger(schemaVersion)) mistakes.push('it has no title or no schemaVersion');
  const ids = new Set(panels.map(({ id }) => id));
  if (ids.size !== panels.length) mistakes.push('two panels have one id');
  for (const panel of panels) mistakes.push(...mistakesInPanel(panel));
  return [...mistakes, ...overlaps(panels)];
}

function mistakesInPanel({ type, title, description, gridPos, datasource, targets }) {
  const name = title ?? 'a panel without title';
  const fits = gridPos !== undefined && gridPos.x >= 0 && gridPos.w > 0 && gridPos.h > 0 && gridPos.x + gridPos.w <= 24;
  if (!fits) return [`"${name}" does not fit on the grid`];
  if (type === 'row') return [];
  const mistakes = [];
  if (!title || !description) mistakes.push(`"${name}" does not say what it shows`);
  if (datasource?.uid !== 'prometheus') mistakes.push(`"${name}" asks a data source that is not provisioned`);
  if (!targets?.length || targets.some(({ expr, refId }) => !expr || !refId)) mistakes.push(`"${name}" asks nothing`);
  return mistakes;
}

function overlaps(panels) {
  return panels.flatMap((one, index) =>
    panels
      .slice(index + 1)
      .filter(({ gridPos: b }) => {
        const a = one.gridPos;
        return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
      })
      .map((other) => `"${one.title}" lies on "${other.title}"`),
  );
}

/** Grafana's variables get a value, and every query becomes a rule, so that promtool reads it. */
async function invalidQueries(queries) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-queries-'));
  try {
    const rules = queries.map((expr, index) => ({
      record: `millrace:query_${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.*'),
    }));
    const file = join(folder, 'queries.yaml');
    await writeFile(file, stringify({ groups: [{ name: 'queries', rules }] }));
    return await promtool('check', 'rules', '--lint=none', file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @type {import('../../run-checks.js').Check[]} */
export const observabilityChecks = [
  { name: 'prometheus', run: checkPrometheusConfiguration },
  { name: 'alerts', run: checkAlerts },
  { name: 'dashboards', run: checkDashboards },
];
