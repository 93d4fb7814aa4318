import type { SerializedError } from 'vitest';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

/**
 * Prints `N passed, N failed` alone as the last line of a run; vitest's own summary tells what was skipped. A file that fails to
 * load, a suite whose hooks fail, an unhandled error and a run cut short each count as a failure.
 */
export default class SummaryReporter implements Reporter {
  /** Stays if the run never gets to its end, for example because the global setup failed. */
  private line = '0 passed, 1 failed';

  onInit(vitest: Vitest): void {
    // Teardown and vitest itself may still write after the end of the run.
    if (!vitest.config.watch) process.once('exit', () => process.stdout.write(`${this.line}\n`));
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly SerializedError[],
    reason: 'passed' | 'interrupted' | 'failed',
  ): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      count.failed += module.errors().length > 0 ? 1 : 0;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length > 0 ? 1 : 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state]++;
      }
    }
    if (reason !== 'passed') count.failed = Math.max(count.failed, 1);
    this.line = `${count.passed} passed, ${count.failed} failed`;
  }
}
