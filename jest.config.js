import { existsSync, readdirSync } from 'node:fs';

/** Every project that has a Jest configuration. */
const projects = ['libs', 'apps', 'tools'].flatMap((group) =>
  readdirSync(new URL(group, import.meta.url))
    .map((name) => `${group}/${name}/jest.config.js`)
    .filter((path) => existsSync(new URL(path, import.meta.url)))
    .map((path) => `<rootDir>/${path}`),
);

export default {
  projects,
  maxWorkers: 2,
  // What a spec loads stays in its worker for good; hundreds of them fill the heap.
  workerIdleMemoryLimit: '1.5GB',
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/tools/checks/src/summary-reporter.js'],
};
