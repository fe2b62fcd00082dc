import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ownUsage, UsageMeter } from '../../../container/process/usage.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';

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

const HAS = { vcpus: 2, memoryMiB: 1024 };

test.each([
  [
    'v2',
    ['memory.current', 'memory.stat', 'cpu.stat'],
    'inactive_file',
    (s: number) => `usage_usec ${s * 1e6}\n`,
  ],
  [
    'v1',
    ['memory/memory.usage_in_bytes', 'memory/memory.stat', 'cpuacct/cpuacct.usage'],
    'total_inactive_file',
    (s: number) => `${s * 1e9}\n`,
  ],
] as const)(
  'the load is a share of what the container has, from cgroup %s',
  async (name, files, key, cpu) => {
    const [memory, stat, seconds] = files;
    const used = { [memory]: `${768 * 1024 * 1024}\n`, [stat]: `anon 1\n${key} ${256 * 1024 * 1024}\n` };
    const root = cgroup(`load-${name}`, { ...used, [seconds]: cpu(100) });
    const clock = new VirtualClock(0);
    const meter = new UsageMeter({ inContainer: true }, HAS, clock, root);
    const disk = expect.closeTo(0.5, 0);
    expect(meter.read().load).toEqual({ memory: 0.5, disk });
    cgroup(`load-${name}`, { [seconds]: cpu(103) });
    await clock.advance(2000);
    expect(meter.read().load).toEqual({ cpu: 0.75, memory: 0.5, disk });
  },
);

test.each([true, false])(
  'every share is one of its kind, in a container or not (%s)',
  async (inContainer) => {
    const clock = new VirtualClock(0);
    const meter = new UsageMeter({ inContainer }, HAS, clock, join(folder, 'none'));
    meter.read();
    await clock.advance(1000);
    const shares = meter.read().load ?? {};
    expect(Object.keys(shares)).toEqual(inContainer ? ['disk'] : ['cpu', 'memory', 'disk']);
    for (const share of Object.values(shares)) expect(share >= 0 && share <= 1).toBe(true);
  },
);
