import { runService } from '@millrace/service';
import { firstKeyTask, gatewayService } from './index.js';

await runService(gatewayService, [firstKeyTask]);
