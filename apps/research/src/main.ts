import { runService } from '@millrace/service';
import { researchService } from './index.js';

await runService(researchService);
