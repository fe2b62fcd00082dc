import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ownUsage } from '../../../container/process/cgroup-usage.ts';

const folder = mkdtempSync(join(tmpdir(), 'sierra-batch-cgroup-'));
afterAll(() => rmSync(folder, { recursive: true }));

function cgroup(name: string, files: Readonly<Record<string, string>>): string {
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return join(folder, name);
}

test.each([
  ['v2', { 'memory.peak': '1181116007\n', 'cpu.stat': 'usage_usec 90500000\nuser_usec 1\n' }],
  ['v1', { 'memory/memory.max_usage_in_bytes': '1181116007\n', 'cpuacct/cpuacct.usage': '90500000000\n' }],
])('memory and CPU time of a container are read from cgroup %s', (name, files) => {
  const root = cgroup(name, files);
  expect(ownUsage({ inContainer: true }, root)).toEqual({ peakMemoryMiB: 1127, cpuSeconds: 90.5 });
  expect(ownUsage({ inContainer: false }, root)).toEqual({});
});

test('what cannot be read is not told', () => {
  expect(ownUsage({ inContainer: true }, join(folder, 'none'))).toEqual({});
  const root = cgroup('odd', { 'memory.peak': 'max\n', 'cpu.stat': 'nr_periods 3\n' });
  expect(ownUsage({ inContainer: true }, root)).toEqual({});
});
