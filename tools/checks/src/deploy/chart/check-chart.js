/** The chart, as the real Helm renders it from each of the values files in `ci/`. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { parse } from 'yaml';
import { goTool } from '../../go-tool.js';
import { refusedValues } from './refused-values.js';
import { operatorKinds, schemaProblems } from './schemas.js';
import { chart, helm, parseManifests, render, valuesFiles } from './render.js';
import { blindRules, problemsOf } from './rules.js';

/** The oldest version that the chart allows, and the newest whose schemas the validator holds. */
const kubernetesVersions = ['1.27', '1.30'];
const outcome = (problems) => ({ ok: problems.length === 0, output: problems.join('\n') });

async function checkLint() {
  for (const file of await valuesFiles()) await helm('lint', '--strict', chart, '--values', file);
  return outcome([]);
}

/** Every values file, against the rules. */
async function checkRules() {
  const problems = [];
  for (const file of await valuesFiles()) {
    const resources = parseManifests(await render('--values', file));
    problems.push(...problemsOf(resources).map((problem) => `${basename(file)}: ${problem}`));
  }
  return outcome(problems);
}

/** Whether each rule finds the fault that is planted for it. */
async function checkPlants() {
  return outcome(blindRules(parseManifests(await render('--values', join(chart, 'ci/production.yaml')))));
}

/** Whether the cluster would take it: the schemas of Kubernetes, and those of the operators that the chart can use. */
async function checkSchemas(version) {
  const rendered = await Promise.all(
    (await valuesFiles()).map(async (file) => [basename(file), parseManifests(await render('--values', file))]),
  );
  return outcome(await schemaProblems(version, rendered));
}

/** Whether the schemas are there at all: a word that none of them knows is refused in each kind that an operator brings. */
async function checkSchemasRefuse() {
  const rendered = await Promise.all((await valuesFiles()).map((file) => render('--values', file)));
  const problems = [];
  for (const kind of operatorKinds) {
    const resource = rendered.flatMap(parseManifests).find((each) => each.kind === kind);
    if (resource === undefined) {
      problems.push(`no values file renders a ${kind}`);
      continue;
    }
    const broken = { ...resource, spec: { ...resource.spec, noSuchField: 1 } };
    const found = await schemaProblems(kubernetesVersions[0], [['broken.yaml', [broken]]]);
    if (!found.some((line) => line.includes('noSuchField'))) problems.push(`a broken ${kind} is taken`);
  }
  return outcome(problems);
}

/** Values that are wrong must be refused, with a word that leads to what is wrong. */
async function checkRefusals() {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-values-'));
  const problems = [];
  try {
    for (const [index, { values, says }] of refusedValues.entries()) {
      const file = join(folder, `${index}.json`);
      await writeFile(file, JSON.stringify(values));
      const answer = await render('--values', join(chart, 'ci/minimal.yaml'), '--values', file).then(
        () => 'rendered',
        (error) => error.message,
      );
      if (!says.test(answer))
        problems.push(`${JSON.stringify(values)} should say ${says}, said: ${answer.slice(0, 400)}`);
    }
    const bare = await render().then(
      () => 'rendered',
      (error) => error.message,
    );
    if (!/nats\.url is needed|existingSecret or natsPassword/.test(bare)) problems.push(`no values at all: ${bare}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return outcome(problems);
}

/** What Prometheus and Grafana are given is what stands in deploy/alerts and deploy/dashboards: all of it, and nothing else. */
async function checkWatching() {
  const resources = parseManifests(await render('--values', join(chart, 'ci/production.yaml')));
  const groups = resources.filter(({ kind }) => kind === 'PrometheusRule').flatMap(({ spec }) => spec.groups);
  const dashboards = resources
    .filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.includes('-dashboard-'))
    .flatMap(({ data }) => Object.entries(data).map(([name, text]) => [name, JSON.parse(text)]));
  const alertsThere = (await filesOf('deploy/alerts', '.yaml')).flatMap(([, text]) => parse(text).groups);
  const dashboardsThere = (await filesOf('deploy/dashboards', '.json')).map(([name, text]) => [name, JSON.parse(text)]);
  return outcome([
    ...(groups.length > 0 && groups.every(({ rules }) => rules.length > 0) ? [] : ['there are no alert rules']),
    ...(isDeepStrictEqual(groups, alertsThere) ? [] : ['the rules are not those of deploy/alerts']),
    ...(dashboards.length > 0 ? [] : ['there are no dashboards']),
    ...(isDeepStrictEqual(dashboards, dashboardsThere) ? [] : ['the dashboards are not those of deploy/dashboards']),
  ]);
}

async function filesOf(folder, ending) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending)).sort();
  return Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')]));
}

/** Each value that exists stands in the chart's README. */
async function checkDocumented() {
  const readme = await readFile(join(chart, 'README.md'), 'utf8');
  const schema = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8'));
  return outcome(
    Object.keys(schema.properties)
      .filter((name) => name !== 'global' && !readme.includes(`\`${name}`))
      .map((name) => `README.md does not say what ${name} is`),
  );
}

export const chartChecks = [
  { name: 'chart lint', run: checkLint },
  { name: 'chart rules', run: checkRules },
  { name: 'rules can fail', run: checkPlants },
  ...kubernetesVersions.map((version) => ({ name: `Kubernetes ${version}`, run: () => checkSchemas(version) })),
  { name: 'schemas can fail', run: checkSchemasRefuse },
  { name: 'chart watching', run: checkWatching },
  { name: 'bad values', run: checkRefusals },
  { name: 'chart README', run: checkDocumented },
];
