/** Progress of long work on standard error: a live step list on a terminal, plain lines elsewhere. */
import { Listr, ListrLogger, ProcessOutput } from 'listr2';
import type { WriteStream } from 'node:tty';
import { printableLine } from './printable.js';
import type { Terminal } from './terminal.js';

/** Says how far a phase is: replaces its line on a terminal, adds a line elsewhere. */
export type Report = (text: string) => void;

export interface Progress {
  /** Runs one phase of the work under a title; `report` says how far it is, `rename` what became of it. Its time is added. */
  phase<Result>(
    title: string,
    work: (report: Report, rename: (title: string) => void) => Promise<Result>,
  ): Promise<Result>;
}

export function progressOn(terminal: Terminal): Progress {
  const stream = terminal.error as WriteStream;
  const logger = () => new ListrLogger({ processOutput: new ProcessOutput(stream, stream, { leaveEmptyLine: false }) });
  return {
    async phase(title, work) {
      let result: Awaited<ReturnType<typeof work>> | undefined;
      const list = new Listr(
        [
          {
            title: printableLine(title),
            task: async (_context, task) => {
              const began = performance.now();
              result = await work(
                (text) => (task.output = printableLine(text)),
                (text) => (task.title = printableLine(text)),
              );
              task.title = `${task.title} (${((performance.now() - began) / 1000).toFixed(1)} s)`;
            },
          },
        ],
        {
          renderer: 'default',
          fallbackRenderer: 'simple',
          fallbackRendererCondition: () => stream.isTTY !== true,
          rendererOptions: { logger: logger(), collapseErrors: false, showErrorMessage: false },
          fallbackRendererOptions: { logger: logger() },
          registerSignalListeners: false,
        },
      );
      await list.run();
      return result as Awaited<ReturnType<typeof work>>;
    },
  };
}
