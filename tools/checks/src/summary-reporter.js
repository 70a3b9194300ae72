import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * Ends a Jest run with the one line that a machine can read: `N passed, N failed`. A skipped test counts as failed.
 * With `MILLRACE_TEST_FAILURES=file` it writes the paths of the specs that failed there, one a line.
 */
export default class SummaryReporter {
  constructor(globalConfig) {
    /** With `-t` the tests that were not asked for are no skipped tests. */
    this.filtered = Boolean(globalConfig.testNamePattern);
    this.rootDir = globalConfig.rootDir;
  }

  onRunComplete(_contexts, results) {
    const unrun = this.filtered ? 0 : results.numPendingTests + results.numTodoTests;
    const brokenFiles = results.testResults.filter((file) => file.testExecError);
    const failed = results.numFailedTests + brokenFiles.length + unrun;
    if (unrun > 0) process.stderr.write(`${unrun} tests were skipped; a skipped test counts as failed.\n`);
    this.tellFailures(results.testResults);
    // Jest's own summary comes after every reporter's; this line must be the last.
    process.once('exit', () => process.stdout.write(`\n${results.numPassedTests} passed, ${failed} failed\n`));
    this.failed = failed;
  }

  tellFailures(files) {
    const target = process.env['MILLRACE_TEST_FAILURES'];
    if (target === undefined) return;
    const failing = files.filter((file) => file.testExecError || file.numFailingTests > 0 || file.numPendingTests > 0);
    writeFileSync(target, failing.map(({ testFilePath }) => `${relative(this.rootDir, testFilePath)}\n`).join(''));
  }

  getLastError() {
    return this.failed > 0 ? new Error(`${this.failed} tests failed`) : undefined;
  }
}
