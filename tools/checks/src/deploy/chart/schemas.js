/** What a cluster would say to manifests: the schemas of Kubernetes itself and of the operators whose resources the chart has. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { goModule, goTool } from '../../go-tool.js';

/** Where the operators keep the definitions of their resources. */
const definitions = [
  {
    kind: 'ServiceMonitor',
    module: 'prometheus-operator',
    file: 'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
  },
  {
    kind: 'PrometheusRule',
    module: 'prometheus-operator',
    file: 'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
  },
  { kind: 'ScaledObject', module: 'keda', file: 'config/crd/bases/keda.sh_scaledobjects.yaml' },
  {
    kind: 'HTTPRoute',
    module: 'gateway-api',
    file: 'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml',
  },
];

/** Kinds that Kubernetes does not know by itself. */
export const operatorKinds = definitions.map(({ kind }) => kind);

/**
 * @param {string} version of Kubernetes, such as 1.30
 * @param {[name: string, resources: object[]][]} manifests by the name of a file
 * @returns {Promise<string[]>} what is wrong, a line each
 */
export async function schemaProblems(version, manifests) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-manifests-'));
  try {
    const [definitionFolder, manifestFolder] = [join(folder, 'definitions'), join(folder, 'manifests')];
    await Promise.all([definitionFolder, manifestFolder].map((each) => mkdir(each)));
    for (const { module, file } of definitions)
      await copyFile(join(await goModule(module), file), join(definitionFolder, basename(file)));
    for (const [name, resources] of manifests) {
      const text = resources.map((resource) => JSON.stringify(resource)).join('\n---\n');
      await writeFile(join(manifestFolder, name), text);
    }
    const options = ['--version', version, '--local-crds', definitionFolder];
    await promisify(execFile)(await goTool('kubectl-validate'), [manifestFolder, ...options], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return [];
  } catch (error) {
    return `${error.stdout ?? ''}\n${error.stderr ?? error.message}`.split('\n').filter((line) => !/OK$/.test(line));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
