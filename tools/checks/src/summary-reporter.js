/** Ends a Jest run with the one line that a machine can read: `N passed, N failed`. A skipped test counts as failed. */
export default class SummaryReporter {
  constructor(globalConfig) {
    /** With `-t` the tests that were not asked for are no skipped tests. */
    this.filtered = Boolean(globalConfig.testNamePattern);
  }

  onRunComplete(_contexts, results) {
    const unrun = this.filtered ? 0 : results.numPendingTests + results.numTodoTests;
    const brokenFiles = results.testResults.filter((file) => file.testExecError).length;
    const failed = results.numFailedTests + brokenFiles + unrun;
    if (unrun > 0) process.stderr.write(`${unrun} tests were skipped; a skipped test counts as failed.\n`);
    // Jest's own summary comes after every reporter's; this line must be the last.
    process.once('exit', () => process.stdout.write(`\n${results.numPassedTests} passed, ${failed} failed\n`));
    this.failed = failed;
  }

  getLastError() {
    return this.failed > 0 ? new Error(`${this.failed} tests failed`) : undefined;
  }
}
