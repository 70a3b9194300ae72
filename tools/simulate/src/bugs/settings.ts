/** What a simulation changes in built files whether a bug is planted or not: sizes and repetitions that cost time and prove nothing. */
import { replace, type SourceChange } from '@millrace/chaos/source-change';

/** Lets a function of a document, which is pure, work once for each of the last documents, whichever process asks. */
const workingOnce = (file: string, name: string): SourceChange =>
  replace(
    file,
    `export function ${name}(document) {`,
    `const known = new Map();
    export function ${name}(document) {
      const text = JSON.stringify(document);
      if (!known.has(text)) {
        if (known.size >= 20) known.clear();
        known.set(text, ${name}Anew(document));
      }
      return known.get(text);
    }
    function ${name}Anew(document) {`,
  );

export const settings: readonly SourceChange[] = [
  replace('libs/contracts/dist/subjects.js', 'partitionCount = 16', 'partitionCount = 4'),
  // Memory that is laid out for the most that may come takes most of the time of a process that begins.
  replace('apps/orchestrator/dist/following/followed-runs.js', 'mostRuns = 100_000', 'mostRuns = 100'),
  replace('apps/orchestrator/dist/graph/graph-library.js', 'max: maxCompiled', 'max: 50'),
  replace('apps/orchestrator/dist/graph/graph-library.js', 'max: maxInlineNames', 'max: 50'),
  replace('apps/orchestrator/dist/idle/watched-tasks.js', 'max: mostTasks', 'max: 100'),
  replace('apps/orchestrator/dist/output-cache/output-cache.js', 'max: mostTasks', 'max: 100'),
  // Nobody scrapes a simulation, and what is observed would never be let go of.
  replace('libs/telemetry/dist/metrics/instruments.js', 'observers.add(read);', ''),
  replace('libs/telemetry/dist/metrics/exposition.js', 'preparations.add(prepare);', ''),
  workingOnce('libs/workflow/dist/document/validate.js', 'validateGraph'),
  workingOnce('libs/workflow/dist/compile/compile.js', 'compileGraph'),
];
