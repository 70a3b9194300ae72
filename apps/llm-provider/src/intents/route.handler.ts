import type { InputOf, OutputOf, routeTask } from '@millrace/contracts';
import type { TaskHandler } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import { CompleteHandler } from '../completion/complete.handler.js';
import { extractiveModel } from '../extractive/extractive-model.js';
import { ModelCatalogue } from '../models/model-catalogue.js';
import { routeByLikeness } from './route-by-likeness.js';
import { choiceIn, questionFor } from './route-by-model.js';

/** Chooses by a model where there is one: a completion like any other, in the ledger and paid for. Else by likeness, which costs nothing. */
@Injectable()
export class RouteHandler implements TaskHandler<typeof routeTask> {
  constructor(
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CompleteHandler) private readonly completions: CompleteHandler,
  ) {}

  /** @throws MillraceError as `CompleteHandler`; `unknown_model` */
  async handle(input: InputOf<typeof routeTask>, task: Task): Promise<TaskResultOf<OutputOf<typeof routeTask>>> {
    const model = await this.models.completionModel(task.tenantId, input.model);
    if (model.name === extractiveModel.name) return { output: routeByLikeness(input) };
    const { output, usage } = await this.completions.handle(questionFor(input), {
      ...task,
      emitToken: () => undefined,
    });
    return { output: choiceIn(input, output.json, output.model), ...(usage && { usage }) };
  }
}
