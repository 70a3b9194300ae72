/** Rules on what surrounds the pods: selectors, budgets, secrets, the network. */
import { componentOf, containersOf, matches, nameOf, ofKind, podsOf, serviceWorkloads, unless } from './resources.js';

const selectorOf = {
  Deployment: ({ spec }) => spec.selector.matchLabels,
  StatefulSet: ({ spec }) => spec.selector.matchLabels,
  PodDisruptionBudget: ({ spec }) => spec.selector.matchLabels,
  Service: ({ spec }) => spec.selector,
};

const target = ({ spec }) => `${spec.scaleTargetRef.kind} ${spec.scaleTargetRef.name}`;
const scalers = (resources) => ofKind(resources, 'HorizontalPodAutoscaler', 'ScaledObject');
const leastOf = (resources, workload) => {
  const scaler = scalers(resources).find((one) => target(one) === nameOf(workload));
  return scaler?.spec.minReplicas ?? scaler?.spec.minReplicaCount ?? workload.spec.replicas ?? 1;
};

const secretVariable = /(PASSWORD|TOKEN|API_KEY|DATABASE_URL|MIGRATION_URL|REDIS_URL)/;
/** Another variable, which Kubernetes puts in: `postgres://user:$(PASSWORD)@host`. */
const withoutReferences = (text) => text.replaceAll(/\$\([A-Z_]+\)/g, '');
const holdsPassword = (text) => /:\/\/[^/\s:@]*:[^@\s]+@/.test(withoutReferences(text)) || text.includes('canary-');

/** @returns {string[]} every text within */
const textsIn = (value) =>
  typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap((inner) => textsIn(inner));

const isDenyAll = ({ spec }) =>
  spec.policyTypes?.includes('Ingress') && spec.policyTypes.includes('Egress') && !spec.ingress && !spec.egress;

/** @type {import('./rules.js').Rule[]} */
export const surroundingRules = [
  {
    name: 'selectors find exactly the pods that they are for',
    problems: (resources) =>
      ofKind(resources, ...Object.keys(selectorOf)).flatMap((resource) => {
        const selector = selectorOf[resource.kind](resource);
        const found = podsOf(resources).filter(({ labels }) => matches(selector, labels));
        const meant = found.filter(({ owner }) => componentOf(owner) === componentOf(resource));
        return found.length === 1 && meant.length === 1
          ? []
          : [`${nameOf(resource)} finds ${found.length} kinds of pods`];
      }),
    plant: (resources) => (ofKind(resources, 'Service')[0].spec.selector = { 'app.kubernetes.io/name': 'millrace' }),
  },
  {
    name: 'services lead to ports that there are',
    problems: (resources) =>
      ofKind(resources, 'Service').flatMap((service) => {
        const pod = podsOf(resources).find(({ labels }) => matches(service.spec.selector, labels));
        const names = pod?.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)) ?? [];
        return unless(
          service.spec.ports,
          ({ targetPort }) => names.includes(targetPort),
          () => nameOf(service),
        );
      }),
    plant: (resources) => (ofKind(resources, 'Service')[0].spec.ports[0].targetPort = 'nowhere'),
  },
  {
    name: 'a disruption budget leaves a pod to take, and there is one wherever there are several',
    problems: (resources) => [
      ...unless(
        serviceWorkloads(resources),
        (workload) => {
          const budgets = ofKind(resources, 'PodDisruptionBudget').filter(
            (budget) => componentOf(budget) === componentOf(workload),
          );
          return leastOf(resources, workload) > 1 ? budgets.length === 1 : budgets.length === 0;
        },
        nameOf,
      ),
      ...unless(ofKind(resources, 'PodDisruptionBudget'), ({ spec }) => Number(spec.maxUnavailable) >= 1, nameOf),
    ],
    plant: (resources) => (ofKind(resources, 'PodDisruptionBudget')[0].spec.maxUnavailable = 0),
  },
  {
    name: 'what is scaled exists, has bounds, and says no number of its own',
    problems: (resources) =>
      unless(
        scalers(resources),
        (scaler) => {
          const workload = serviceWorkloads(resources).find((one) => nameOf(one) === target(scaler));
          const {
            minReplicas,
            maxReplicas,
            minReplicaCount = minReplicas,
            maxReplicaCount = maxReplicas,
          } = scaler.spec;
          return workload !== undefined && workload.spec.replicas === undefined && minReplicaCount <= maxReplicaCount;
        },
        nameOf,
      ),
    plant: (resources) => (scalers(resources)[0].spec.scaleTargetRef.name = 'nobody'),
  },
  {
    name: 'secrets are in Secrets only',
    problems: (resources) => [
      ...containersOf(resources).flatMap(({ owner, container }) =>
        unless(
          container.env ?? [],
          ({ name, value }) =>
            value === undefined ||
            (secretVariable.test(name) ? withoutReferences(value) !== value : !holdsPassword(value)),
          ({ name }) => `${nameOf(owner)} holds ${name} as plain text`,
        ),
      ),
      ...unless(
        resources.filter(({ kind }) => kind !== 'Secret'),
        (resource) => !textsIn(resource).some(holdsPassword),
        (resource) => `${nameOf(resource)} holds a password`,
      ),
    ],
    plant: (resources) =>
      containersOf(resources)[0].container.env.push({ name: 'MILLRACE_DATABASE_URL', value: 'postgres://me:pw@db/x' }),
  },
  {
    name: 'a secret of this release that is named is there, with its key',
    problems: (resources) => {
      const secrets = new Map(ofKind(resources, 'Secret').map((secret) => [secret.metadata.name, secret]));
      return containersOf(resources).flatMap(({ owner, container }) =>
        (container.env ?? []).flatMap(({ valueFrom }) => {
          const reference = valueFrom?.secretKeyRef;
          if (reference === undefined || reference.optional || !reference.name.startsWith('release-')) return [];
          const { data = {}, stringData = {} } = secrets.get(reference.name) ?? {};
          return reference.key in data || reference.key in stringData
            ? []
            : [`${nameOf(owner)} needs ${reference.name}/${reference.key}`];
        }),
      );
    },
    plant: (resources) => {
      const secretKeyRef = { name: 'release-nobody', key: 'nothing' };
      containersOf(resources)[0].container.env.push({ name: 'MORE', valueFrom: { secretKeyRef } });
    },
  },
  {
    name: 'the network is closed, and every pod has what it needs of it',
    problems: (resources) => {
      const policies = ofKind(resources, 'NetworkPolicy');
      if (policies.length === 0) return [];
      const deny = policies.filter(isDenyAll);
      const uncovered = unless(
        podsOf(resources),
        ({ labels }) => deny.some(({ spec }) => matches(spec.podSelector.matchLabels, labels)),
        ({ owner }) => `${nameOf(owner)} may be reached by anybody`,
      );
      const cutOff = unless(
        podsOf(resources).filter(({ owner }) => !componentOf(owner).startsWith('trial-')),
        ({ labels }) =>
          policies.filter(({ spec }) => spec.egress && matches(spec.podSelector.matchLabels, labels)).length >= 2,
        ({ owner }) => `${nameOf(owner)} reaches nothing`,
      );
      return [...uncovered, ...cutOff];
    },
    plant: (resources) => {
      const at = resources.findIndex((resource) => resource.kind === 'NetworkPolicy' && isDenyAll(resource));
      resources.splice(at, 1);
    },
  },
  {
    name: 'only the service that asks models reaches the internet',
    problems: (resources) =>
      unless(
        ofKind(resources, 'NetworkPolicy').filter((policy) => componentOf(policy) !== 'llm-provider'),
        ({ spec }) =>
          !(spec.egress ?? []).some(({ to = [] }) => to.some(({ ipBlock }) => ipBlock?.cidr === '0.0.0.0/0')),
        nameOf,
      ),
    plant: (resources) =>
      ofKind(resources, 'NetworkPolicy')
        .find((policy) => componentOf(policy) === 'toolbox')
        .spec.egress.push({ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }),
  },
  {
    name: 'migrations come before the version that needs them, one for each service with tables',
    problems: (resources) => {
      const jobs = ofKind(resources, 'Job');
      if (jobs.length === 0) return [];
      const isTrial = ofKind(resources, 'StatefulSet').some((one) => componentOf(one) === 'trial-postgres');
      const early = (job) => job.metadata.annotations?.['helm.sh/hook'] === 'pre-install,pre-upgrade';
      const withTables = containersOf(serviceWorkloads(resources)).filter(({ container }) =>
        container.env.some(({ name }) => name === 'MILLRACE_DATABASE_URL'),
      );
      return [
        ...unless(jobs, (job) => early(job) !== isTrial, nameOf),
        ...unless(
          withTables,
          ({ owner }) => jobs.some((job) => componentOf(job) === `${componentOf(owner)}-migrate`),
          ({ owner }) => `${nameOf(owner)} has no migration`,
        ),
      ];
    },
    plant: (resources) => delete ofKind(resources, 'Job')[0].metadata.annotations,
  },
  {
    name: 'labels that selectors use are on everything',
    problems: (resources) =>
      unless(
        resources,
        ({ metadata }) =>
          ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component'].every(
            (label) => label in (metadata.labels ?? {}),
          ),
        nameOf,
      ),
    plant: (resources) => delete resources[0].metadata.labels,
  },
  {
    name: 'no two resources have one name',
    problems: (resources) => {
      const names = resources.map(nameOf);
      return names.filter((name, index) => names.indexOf(name) !== index);
    },
    plant: (resources) => resources.push(structuredClone(resources[0])),
  },
];
