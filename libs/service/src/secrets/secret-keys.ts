import { z } from 'zod';
import type { SecretKey } from './secret-box.js';

/** The schema of a variable that holds keys: `ID:KEY` with commas between several, each KEY 32 bytes in base64. */
export const secretKeys = () =>
  z
    .string()
    .max(10_000)
    .transform((text) => text.split(',').map((each) => each.trim().split(':')))
    .pipe(
      z.array(
        z
          .tuple(
            [z.string().regex(/^[a-z0-9-]{1,40}$/), z.base64().length(44)],
            'must be ID:KEY with a KEY of 32 bytes in base64',
          )
          .transform(([id, key]): SecretKey => ({ id, key: Buffer.from(key, 'base64') })),
      ),
    );
