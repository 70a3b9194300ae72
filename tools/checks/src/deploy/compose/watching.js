/** Whether the Prometheus and the Grafana of docker-compose find what they are to watch and to show. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parse } from 'yaml';

const provisioning = 'deploy/grafana/provisioning';
const healthPort = '8081';

const yamlIn = async (file) => parse(await readFile(file, 'utf8'));
const mountsIn = ({ volumes = [] }) => volumes.map(({ target }) => target);
const sharesNetwork = (one, other) =>
  Object.keys(one?.networks ?? {}).some((network) => network in (other?.networks ?? {}));

/** @param {Record<string, object>} services @returns {Promise<string[]>} what would stay empty */
export async function unwatched(services) {
  const { scrape_configs: scrapes, rule_files: rules } = await yamlIn('deploy/prometheus/prometheus.yml');
  const { datasources } = await yamlIn(`${provisioning}/datasources/prometheus.yaml`);
  const { providers } = await yamlIn(`${provisioning}/dashboards/millrace.yaml`);
  return [
    ...unscraped(services, scrapes),
    ...rules
      .filter((pattern) => !mountsIn(services.prometheus).includes(dirname(pattern)))
      .map((pattern) => `nothing is mounted where Prometheus looks for rules: ${pattern}`),
    ...providers
      .filter(({ options }) => !mountsIn(services.grafana).includes(options.path))
      .map(({ options }) => `nothing is mounted where Grafana looks for dashboards: ${options.path}`),
    ...datasources
      .filter(({ url }) => !sharesNetwork(services.grafana, services[new URL(url).hostname]))
      .map(({ url }) => `Grafana cannot reach its data source ${url}`),
    ...missingFiles(services),
  ];
}

/** Services of ours that Prometheus does not ask or cannot reach, and targets that do not exist. */
function unscraped(services, scrapes) {
  const targets = scrapes.flatMap(({ static_configs: groups }) => groups.flatMap((group) => group.targets));
  const ours = Object.keys(services).filter((name) => services[name].build !== undefined);
  return [
    ...ours
      .filter((name) => !targets.includes(`${name}:${healthPort}`))
      .map((name) => `Prometheus does not ask ${name}`),
    ...targets
      .filter((target) => !sharesNetwork(services.prometheus, services[target.split(':')[0]]))
      .map((target) => `Prometheus cannot reach ${target}`),
  ];
}

/** Docker would make an empty folder of what is mounted from the checkout and is not there. */
function missingFiles(services) {
  return Object.entries(services).flatMap(([name, { volumes = [] }]) =>
    volumes
      .filter(({ type, source }) => type === 'bind' && !existsSync(inCheckout(source)))
      .map(({ source }) => `${name} mounts ${inCheckout(source)}, which does not exist`),
  );
}

/** The loader resolves paths inside the copy that it reads. */
const inCheckout = (source) => source.slice(source.indexOf('/deploy/') + 1);

/** @returns {Promise<string[]>} faults that are planted and not found */
export async function blindWatching(services) {
  const plants = {
    'a service that is not asked': (copy) => (copy.another = { ...copy.toolbox }),
    'a service out of reach': (copy) => (copy.toolbox.networks = {}),
    'rules that are not mounted': (copy) => (copy.prometheus.volumes = []),
    'dashboards that are not mounted': (copy) => (copy.grafana.volumes = []),
    'a data source out of reach': (copy) => (copy.grafana.networks = {}),
    'a file that does not exist': (copy) => (copy.nats.volumes[0].source = '/deploy/none.conf'),
  };
  const blind = [];
  for (const [name, plant] of Object.entries(plants)) {
    const copy = structuredClone(services);
    plant(copy);
    if ((await unwatched(copy)).length === 0) blind.push(`the check does not find ${name}`);
  }
  return blind;
}
