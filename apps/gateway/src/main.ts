import { runService } from '@millrace/service';
import { gatewayService } from './index.js';

await runService(gatewayService);
