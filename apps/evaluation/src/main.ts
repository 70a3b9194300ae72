import { runService } from '@millrace/service';
import { evaluationService } from './index.js';

await runService(evaluationService);
