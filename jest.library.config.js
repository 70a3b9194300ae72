/** The specs that need node-llama-cpp, which `npm run test:gguf` installs beside the repository for them. */
import { jestPreset } from './jest.preset.js';

const projects = ['apps/llm-provider', 'apps/millrace'].map((path) => ({
  ...jestPreset(path.slice('apps/'.length)),
  rootDir: `<rootDir>/${path}/src`,
  testMatch: ['**/*.library.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
}));

export default {
  projects,
  maxWorkers: 1,
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/tools/checks/src/summary-reporter.js'],
};
