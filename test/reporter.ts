import { readFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Ends a run with the plain line `N passed, N failed`, and in CI turns a skipped test into a failure unless
 * `test/allowed-skips.json` lists its full name with a reason.
 */
export default class Closing implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const allowed = JSON.parse(
      readFileSync(new URL('./allowed-skips.json', import.meta.url), 'utf8'),
    ) as Record<string, string>;
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const unlisted = tests.filter(
      (test) => test.result().state === 'skipped' && allowed[test.fullName] === undefined,
    );
    const broken = modules.reduce((sum, module) => sum + module.errors().length, 0);
    const strict = process.env.CI !== undefined;
    for (const test of unlisted)
      console.log(`${strict ? 'FAILED: ' : ''}skipped without a listed reason: ${describe(test)}`);
    const failed = count('failed') + broken + (strict ? unlisted.length : 0);
    if (failed > 0) process.exitCode = 1;
    console.log(`\n${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`);
  }
}

function describe(test: TestCase): string {
  return `${test.module.moduleId.replace(`${process.cwd()}/`, '')}: ${test.fullName}`;
}
