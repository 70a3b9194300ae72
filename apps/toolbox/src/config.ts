import { readConfiguration, variable, wholeNumber, type Environment } from '@millrace/service';

export const readToolboxConfiguration = (environment: Environment) =>
  readConfiguration(environment, {
    /** How many tools run at once in this process. */
    slots: variable('MILLRACE_TOOLBOX_SLOTS', wholeNumber({ min: 1, max: 1000 }).default(32), '32'),
  });

export type ToolboxConfiguration = ReturnType<typeof readToolboxConfiguration>;
