/** Rules on pods and their containers. */
import { componentOf, containersOf, nameOf, ofKind, podsOf, serviceWorkloads, unless } from './resources.js';

const place = ({ owner, container }) => `${nameOf(owner)}, container ${container.name}`;
const firstContainer = (resources) => containersOf(resources)[0].container;
const pinned = /^[^\s@]+(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$/;
/** The process may take this long to exit after its own grace period. */
const exitMarginSeconds = 5;

const variable = (container, name) => container.env?.find((entry) => entry.name === name)?.value;
/** How many seconds the pod's `preStop` waits, from the script in it. */
const preStopSeconds = (container) =>
  Number(/\}, (\d+)\)/.exec(container.lifecycle?.preStop?.exec?.command?.at(-1) ?? '')?.[1] ?? Number.NaN) / 1000;

const everyContainer = (name, isRight, plant) => ({
  name,
  problems: (resources) => unless(containersOf(resources), ({ container }) => isRight(container), place),
  plant: (resources) => plant(firstContainer(resources)),
});

const everyPod = (name, isRight, plant) => ({
  name,
  problems: (resources) =>
    unless(
      podsOf(resources),
      ({ spec }) => isRight(spec),
      ({ owner }) => nameOf(owner),
    ),
  plant: (resources) => plant(podsOf(resources)[0].spec),
});

/** @type {import('./rules.js').Rule[]} */
export const workloadRules = [
  everyPod(
    'no pod runs as root',
    (pod) => pod.securityContext?.runAsNonRoot === true && pod.securityContext.runAsUser !== 0,
    (pod) => (pod.securityContext.runAsUser = 0),
  ),
  everyPod(
    'the kernel filters system calls',
    (pod) => pod.securityContext?.seccompProfile?.type === 'RuntimeDefault',
    (pod) => delete pod.securityContext.seccompProfile,
  ),
  everyPod(
    'no pod holds a key to the cluster',
    (pod) => pod.automountServiceAccountToken === false,
    (pod) => delete pod.automountServiceAccountToken,
  ),
  everyPod(
    'no pod reaches into its node',
    (pod) =>
      !(pod.hostNetwork || pod.hostPID || pod.hostIPC) && !(pod.volumes ?? []).some((volume) => 'hostPath' in volume),
    (pod) => (pod.hostNetwork = true),
  ),
  everyContainer(
    'the root file system is read-only',
    ({ securityContext }) => securityContext?.readOnlyRootFilesystem === true,
    (container) => (container.securityContext.readOnlyRootFilesystem = false),
  ),
  everyContainer(
    'no container gains privileges',
    ({ securityContext }) => securityContext?.allowPrivilegeEscalation === false && securityContext.privileged !== true,
    (container) => (container.securityContext.privileged = true),
  ),
  everyContainer(
    'every capability is dropped and none is added',
    ({ securityContext }) =>
      securityContext?.capabilities?.drop?.join() === 'ALL' && !securityContext.capabilities.add?.length,
    (container) => (container.securityContext.capabilities.add = ['NET_ADMIN']),
  ),
  everyContainer(
    'requests and limits are set',
    ({ resources }) => ['requests', 'limits'].every((bound) => resources?.[bound]?.cpu && resources[bound].memory),
    (container) => delete container.resources.limits.memory,
  ),
  everyContainer(
    'images are pinned',
    ({ image }) => pinned.test(image),
    (container) => (container.image = `${container.image.split(/[:@]/)[0]}:latest`),
  ),
  {
    name: 'whatever stays up is probed',
    problems: (resources) =>
      unless(
        containersOf(ofKind(resources, 'Deployment', 'StatefulSet')),
        ({ container }) => container.startupProbe && container.livenessProbe && container.readinessProbe,
        place,
      ),
    plant: (resources) => delete containersOf(serviceWorkloads(resources))[0].container.readinessProbe,
  },
  {
    name: 'probes ask a port that there is',
    problems: (resources) =>
      unless(
        containersOf(resources),
        ({ container }) =>
          ['startupProbe', 'livenessProbe', 'readinessProbe'].every((probe) => {
            const port = (container[probe]?.httpGet ?? container[probe]?.tcpSocket)?.port;
            return port === undefined || container.ports?.some(({ name }) => name === port);
          }),
        place,
      ),
    plant: (resources) => (containersOf(serviceWorkloads(resources))[0].container.ports = []),
  },
  {
    name: 'a pod outlives its drain',
    problems: (resources) =>
      unless(
        containersOf(serviceWorkloads(resources)),
        ({ pod, container }) => {
          const drain = Number(variable(container, 'MILLRACE_DRAIN_GRACE_MS')) / 1000;
          return pod.terminationGracePeriodSeconds >= preStopSeconds(container) + drain + exitMarginSeconds;
        },
        ({ owner }) => nameOf(owner),
      ),
    plant: (resources) => (serviceWorkloads(resources)[0].spec.template.spec.terminationGracePeriodSeconds = 30),
  },
  {
    name: 'the orchestrator has a name that outlives its process',
    problems: (resources) =>
      unless(
        serviceWorkloads(resources).filter((resource) => componentOf(resource) === 'orchestrator'),
        ({ kind, spec }) =>
          kind === 'StatefulSet' &&
          spec.template.spec.containers[0].env.some(
            ({ name, valueFrom }) =>
              name === 'MILLRACE_ORCHESTRATOR_REPLICA' && valueFrom?.fieldRef?.fieldPath === 'metadata.name',
          ),
        nameOf,
      ),
    plant: (resources) =>
      (serviceWorkloads(resources).find((resource) => componentOf(resource) === 'orchestrator').kind = 'Deployment'),
  },
  {
    name: 'a service with tables does not migrate when a job does',
    problems: (resources) => {
      const migrated = new Set(ofKind(resources, 'Job').map((job) => componentOf(job).replace(/-migrate$/, '')));
      return unless(
        serviceWorkloads(resources).filter((resource) => migrated.has(componentOf(resource))),
        ({ spec }) => {
          const [container] = spec.template.spec.containers;
          const owner = container.env.some(({ name }) => name === 'MILLRACE_DATABASE_MIGRATION_URL');
          return variable(container, 'MILLRACE_DATABASE_MIGRATE') === 'never' && !owner;
        },
        nameOf,
      );
    },
    plant: (resources) => {
      const [container] = serviceWorkloads(resources).find((one) => componentOf(one) === 'research').spec.template.spec
        .containers;
      container.env.push({ name: 'MILLRACE_DATABASE_MIGRATION_URL', value: 'postgres://owner@db/research' });
    },
  },
  {
    name: 'nothing that a container mounts is missing',
    problems: (resources) =>
      unless(
        containersOf(resources),
        ({ owner, pod, container }) => {
          const claims = owner.spec.volumeClaimTemplates ?? [];
          const volumes = new Set(
            [...(pod.volumes ?? []), ...claims.map(({ metadata }) => metadata)].map(({ name }) => name),
          );
          return (container.volumeMounts ?? []).every(({ name }) => volumes.has(name));
        },
        place,
      ),
    plant: (resources) => (serviceWorkloads(resources)[0].spec.template.spec.volumes = []),
  },
];
