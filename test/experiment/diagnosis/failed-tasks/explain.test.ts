import { describe, expect, test } from 'vitest';
import { explainFailures } from '../../../../experiment/diagnosis/failed-tasks/explain.ts';
import { tellingLine } from '../../../../experiment/diagnosis/failed-tasks/telling-line.ts';
import { MESSAGES } from './messages.ts';

function kindOf(exitval: number, stderrTail: string): string | undefined {
  const example = { seq: 1, node: 'n', exitval, command: './x', stderrTail };
  const failures = [{ signature: 's', count: 5, nodes: 3, example }];
  return explainFailures({ failures, tasksOn: new Map([['n', 10]]) })?.name;
}

describe('real messages', () => {
  test.each(MESSAGES)('$stderr', ({ exit, stderr, line, kind }) => {
    expect(tellingLine(stderr)).toBe(line);
    expect(kindOf(exit, stderr)).toBe(kind);
  });

  test('are at least 120', () => {
    expect(new Set(MESSAGES.map(({ stderr }) => stderr)).size).toBeGreaterThanOrEqual(120);
  });
});

test('a warning above the error does not lend its advice to it', () => {
  const stderr =
    'libGL error: libfoo.so: cannot open shared object file: No such file or directory\nsim: diverged';

  expect(kindOf(3, stderr)).toBe('other');
});
