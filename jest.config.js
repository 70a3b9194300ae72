import { readdirSync } from 'node:fs';
import { existsSync } from 'node:fs';

const projects = ['libs', 'apps', 'tools'].flatMap((group) =>
  readdirSync(new URL(group, import.meta.url))
    .map((name) => `<rootDir>/${group}/${name}`)
    .filter((path) => existsSync(new URL(path.replace('<rootDir>/', './') + '/jest.config.js', import.meta.url))),
);

export default {
  projects,
  maxWorkers: 2,
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/tools/checks/src/summary-reporter.js'],
};
