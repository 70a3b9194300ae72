export { gatewayService } from './service.js';
export { firstKeyTask } from './keys/first-key.task.js';
