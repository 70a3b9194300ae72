import { runService } from '@millrace/service';
import { llmProviderService } from './index.js';

await runService(llmProviderService);
