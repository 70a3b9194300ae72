/** Ways to look at rendered resources. */

const templates = {
  Deployment: (resource) => resource.spec.template,
  StatefulSet: (resource) => resource.spec.template,
  Job: (resource) => resource.spec.template,
  Pod: (resource) => resource,
};

export const ofKind = (resources, ...kinds) => resources.filter(({ kind }) => kinds.includes(kind));
export const nameOf = ({ kind, metadata }) => `${kind} ${metadata.name}`;
export const componentOf = ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] ?? '';

/** @returns {{ owner: object, labels: object, spec: object }[]} every pod that these resources make */
export const podsOf = (resources) =>
  resources
    .filter(({ kind }) => kind in templates)
    .map((owner) => {
      const { metadata, spec } = templates[owner.kind](owner);
      return { owner, labels: metadata.labels ?? {}, spec };
    });

/** @returns {{ owner: object, pod: object, container: object }[]} */
export const containersOf = (resources) =>
  podsOf(resources).flatMap(({ owner, spec }) =>
    [...(spec.initContainers ?? []), ...spec.containers].map((container) => ({ owner, pod: spec, container })),
  );

/** The long-lived pods of Millrace's own services, not the servers of a trial. */
export const serviceWorkloads = (resources) =>
  ofKind(resources, 'Deployment', 'StatefulSet').filter((resource) => !componentOf(resource).startsWith('trial-'));

export const matches = (selector = {}, labels = {}) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/** @returns {string[]} a problem for each thing that `isRight` says no to */
export const unless = (things, isRight, describe) => things.filter((thing) => !isRight(thing)).map(describe);
