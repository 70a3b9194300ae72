import { runService } from '@millrace/service';
import { toolboxService } from './index.js';

await runService(toolboxService);
