import { createKey } from '@millrace/contracts';
import { defineSubscriptions } from '@millrace/service';
import { CreateKeyHandler } from './keys/create-key.handler.js';

/** The whole inbox of the service. */
export const subscriptions = defineSubscriptions([{ contract: createKey, handler: CreateKeyHandler }]);
