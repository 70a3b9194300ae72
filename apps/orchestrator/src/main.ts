import { runService } from '@millrace/service';
import { orchestratorService } from './index.js';

await runService(orchestratorService);
