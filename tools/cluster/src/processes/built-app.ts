import { fileURLToPath } from 'node:url';

/** The built program of a service; the same path from `src` and from `dist`. */
export const builtApp = (name: string): string =>
  fileURLToPath(new URL(`../../../../apps/${name}/dist/main.js`, import.meta.url));
