/**
 * The Jest configuration that every project shares: TypeScript through SWC as ES modules, libraries
 * resolved from their sources, so that no build precedes a test.
 *
 * @param {string} name the project's name as Jest prints it
 * @returns {import('jest').Config}
 */
export function jestPreset(name) {
  return {
    displayName: name,
    rootDir: 'src',
    testEnvironment: 'node',
    testMatch: ['**/*.spec.ts'],
    // These need a package that nobody gets by `npm ci`: `npm run test:gguf`.
    testPathIgnorePatterns: ['/node_modules/', '\\.library\\.spec\\.ts$'],
    extensionsToTreatAsEsm: ['.ts'],
    moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
    testEnvironmentOptions: { customExportConditions: ['@millrace/source', 'node', 'node-addons'] },
    moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
    transform: {
      '\\.ts$': [
        '@swc/jest',
        {
          jsc: {
            target: 'es2022',
            keepClassNames: true,
            parser: { syntax: 'typescript', decorators: true, dynamicImport: true },
            transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          },
          module: { type: 'es6' },
          sourceMaps: 'inline',
        },
      ],
    },
  };
}
