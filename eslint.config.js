import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** What each project may import: the arrows of ARCHITECTURE.md, enforced. */
const mayImport = {
  kernel: [],
  contracts: ['kernel'],
  workflow: ['kernel', 'contracts'],
  telemetry: ['kernel'],
  database: ['kernel', 'telemetry'],
  messaging: ['kernel', 'contracts', 'database', 'telemetry'],
  resilience: ['kernel', 'telemetry'],
  servers: ['kernel'],
  cache: ['kernel', 'telemetry'],
  worker: ['kernel', 'contracts', 'messaging', 'telemetry'],
  service: ['kernel', 'contracts', 'database', 'messaging', 'telemetry', 'resilience', 'cache', 'worker'],
  client: ['kernel', 'contracts'],
};
const libraries = Object.keys(mayImport);
const services = ['gateway', 'orchestrator', 'research', 'llm-provider', 'evaluation', 'toolbox'];
const name = (project) => `name:${project}`;

/** Specs of every library use `testing`, which uses the libraries: a cycle of projects, never one of what is built. */
const ignoredCircularDependencies = libraries.map((library) => ['@millrace/testing', `@millrace/${library}`]);

const depConstraints = [
  ...Object.entries(mayImport).map(([project, allowed]) => ({
    sourceTag: name(project),
    onlyDependOnLibsWithTags: [...allowed.map(name), name('testing')],
  })),
  { sourceTag: name('testing'), onlyDependOnLibsWithTags: libraries.map(name) },
  ...services.map((service) => ({ sourceTag: name(service), onlyDependOnLibsWithTags: ['kind:lib'] })),
  { sourceTag: name('millrace'), onlyDependOnLibsWithTags: ['kind:lib', 'kind:app'] },
  { sourceTag: 'kind:tool', onlyDependOnLibsWithTags: ['kind:lib', 'kind:app', 'kind:tool'] },
];

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/node_modules', '.nx'] },
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: [],
          depConstraints,
          ignoredCircularDependencies,
          checkDynamicDependenciesExceptions: ['.*'],
        },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      'no-console': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['**/*.spec.ts', 'libs/testing/**/*.ts'],
    rules: { 'max-lines': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
);
