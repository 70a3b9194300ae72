/** Runs the command line in a process of its own, as a person does, in a folder of the test. */
import { startScript, type ScriptProcess } from '@millrace/testing';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Invocation extends ScriptProcess {
  /** Waits for the end and gives all there is to see of it. */
  result(): Promise<{ readonly code: number | null; readonly out: string; readonly error: string }>;
}

/** A folder of the test's own with a place for temporary files in it, so that it can be seen what stays behind. */
export class Workbench implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-command-line-'));
  readonly temporaryFolder = join(this.folder, 'temporary');

  constructor() {
    mkdirSync(this.temporaryFolder);
  }

  /** Only `environment` holds variables that the command line reads, whatever the variables of the test are. */
  millrace(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Invocation {
    const variables = { TMPDIR: this.temporaryFolder, ...environment };
    const script = startScript(
      `for (const name of Object.keys(process.env)) if (/^(MILLRACE_|NO_COLOR|FORCE_COLOR)/.test(name)) delete process.env[name];
       Object.assign(process.env, ${JSON.stringify(variables)});
       process.chdir(${JSON.stringify(this.folder)});
       await import('./apps/millrace/src/main.ts');`,
      { arguments: ['millrace', ...words] },
    );
    const result = async () => {
      const { code } = await script.ended;
      return { code, out: script.output.standard, error: script.output.error };
    };
    return { ...script, result };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
