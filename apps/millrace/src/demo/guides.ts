import { fileURLToPath } from 'node:url';

/** The project's own guides: what the demo writes about unless told otherwise. The same path from `src` and from `dist`. */
export const guidesFolder = fileURLToPath(new URL('../../../../docs/guides', import.meta.url));
