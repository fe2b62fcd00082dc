import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

const SLOWEST = 10;
/** `getconf CLK_TCK` of every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

/**
 * Ends a run with the ten slowest tests and files, what the run cost, and the plain line `N passed, N failed, N skipped`. In CI a
 * skipped test is a failure unless `test/allowed-skips.json` lists its full name with a reason.
 */
export default class Closing implements Reporter {
  readonly #startedAt = performance.now();

  onTestRunEnd(modules: readonly TestModule[], outside: readonly SerializedError[]): void {
    const allowed = JSON.parse(
      readFileSync(new URL('./allowed-skips.json', import.meta.url), 'utf8'),
    ) as Record<string, string>;
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const unlisted = tests.filter(
      (test) => test.result().state === 'skipped' && allowed[test.fullName] === undefined,
    );
    const broken = modules.reduce((sum, module) => sum + module.errors().length, outside.length);
    const strict = process.env.CI !== undefined;
    for (const test of unlisted)
      console.log(`${strict ? 'FAILED: ' : ''}skipped without a listed reason: ${describe(test)}`);
    const failed = count('failed') + broken + (strict ? unlisted.length : 0);
    if (failed > 0) process.exitCode = 1;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const [load = 0] = loadavg();
    console.log(slowest(tests.map((test) => [describe(test), test.diagnostic()?.duration])));
    // What a file prepares for all of its tests is in none of their times.
    console.log(`by file:\n${slowest(modules.map((each) => [fileOf(each), each.diagnostic().duration]))}`);
    // Far more seconds than half the CPU's, or a load far over the cores, tell a busy machine from slow tests.
    console.log(`${seconds.toFixed(0)} s, CPU ${cpuSeconds().toFixed(0)} s, load ${load.toFixed(1)}`);
    console.log(`${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`);
  }
}

function describe(test: TestCase): string {
  return `${fileOf(test.module)}: ${test.fullName}`;
}

function fileOf({ moduleId }: TestModule): string {
  return moduleId.replace(`${process.cwd()}/`, '');
}

/** The ones that took longest, a line each. @param times in milliseconds */
function slowest(times: readonly (readonly [name: string, ms: number | undefined])[]): string {
  return times
    .toSorted(([, a = 0], [, b = 0]) => b - a)
    .slice(0, SLOWEST)
    .map(([name, ms = 0]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${name}`)
    .join('\n');
}

/** Of this process, its workers and what they started; not of what outlived its parent. */
function cpuSeconds(): number {
  const costs = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const fields = statOf(name);
    // parent is the 4th field of /proc/PID/stat; utime, stime and those of children that were waited for the 14th to 17th.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    costs.set(Number(name), { parent: Number(fields[1]), ticks });
  }
  let total = 0;
  for (const [pid, { ticks }] of costs) if (isOurs(pid, costs)) total += ticks;
  return total / TICKS_A_SECOND;
}

function isOurs(pid: number, costs: ReadonlyMap<number, { parent: number }>): boolean {
  for (let at = pid; at > 1; at = costs.get(at)?.parent ?? 0) if (at === process.pid) return true;
  return false;
}

/** The fields of /proc/PID/stat behind the program's name, which may hold anything; none where the process ended. */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
}
