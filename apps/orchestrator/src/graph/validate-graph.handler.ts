import type { RequestOf, ResponseOf, validateGraph } from '@millrace/contracts';
import type { CommandHandler } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { newGraphVersion } from './new-graph-version.js';

@Injectable()
export class ValidateGraphHandler implements CommandHandler<typeof validateGraph> {
  handle({ source }: RequestOf<typeof validateGraph>): ResponseOf<typeof validateGraph> {
    const graph = newGraphVersion(source);
    const violations = 'violations' in graph ? [...graph.violations] : [];
    return { valid: violations.length === 0, violations };
  }
}
