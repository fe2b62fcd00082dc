import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makespan } from '../../../experiment/advice/makespan.ts';
import type { Measured } from '../../../experiment/advice/right-sizing.ts';
import { rightSizing } from '../../../experiment/advice/right-sizing.ts';

describe('how long tasks take on so many slots', () => {
  test('is what each slot taking the next task comes to', () => {
    const slow = (durations: readonly number[], slots: number) => {
      const ends = Array.from({ length: slots }, () => 0);
      for (const duration of durations) {
        const first = ends.indexOf(Math.min(...ends));
        ends[first] = (ends[first] ?? 0) + duration;
      }
      return Math.max(...ends);
    };
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (durations, slots) => {
          expect(makespan(durations, slots)).toBe(slow(durations, slots));
        },
      ),
    );
  });
});

describe('what the next run should ask for', () => {
  type Usage = Omit<Measured['usage'][number], 'atOnce'> & { atOnce?: number };
  type Some = Partial<Omit<Measured, 'usage'>> & { usage?: readonly Usage[] };
  const run = ({ usage = [{ seconds: 900 }], ...more }: Some = {}): Measured => {
    const { nodes, slots, durations } = {
      nodes: 4,
      slots: 2,
      durations: Array.from({ length: 800 }, () => 10),
      ...more,
    };
    const runSeconds = makespan(Array.from(durations), nodes * slots);
    const busy = Array.from(durations).reduce((sum, one) => sum + one, 0);
    return {
      vcpus: 16,
      memoryMiB: 32 * 1024,
      threadsPerTask: 1,
      runSeconds,
      utilisation: busy / (runSeconds * nodes * slots),
      nodeHours: (nodes * (runSeconds + 60)) / 3600,
      isWhole: true,
      ...more,
      usage: usage.map((node) => ({ atOnce: slots, ...node })),
      nodes,
      slots,
      durations,
    };
  };
  const said = (more: Some) =>
    rightSizing(run(more)).map(({ topic, sentence, change }) => [topic, sentence, change]);

  test('nothing, of a run that kept its nodes busy', () => {
    expect(said({ slots: 16 })).toEqual([]);
  });

  test('nothing, of tasks that took no time that a joblog shows', () => {
    const instant = { durations: [0, 0, 0], runSeconds: 0.5, utilisation: 0 };
    expect(said(instant)).toEqual([]);
    expect(said({ ...instant, nodeHours: 0 })).toEqual([]);
  });

  test('more jobs a node, as far as memory and processors reach', () => {
    const usage = [
      { peakMemoryMiB: 800, seconds: 900 },
      { peakMemoryMiB: 1126, seconds: 900 },
    ];
    expect(said({ usage })).toEqual([
      [
        'memory',
        'Peak memory 1.1 GiB of 32 GiB: 16 jobs a node would fit, where 2 ran. The run would have ended 15 min sooner and used 82 % fewer node-hours.',
        'run.jobsPerNode: 16',
      ],
    ]);
    expect(said({ usage: [{ peakMemoryMiB: 16_384, seconds: 900 }] })).toEqual([
      ['memory', expect.stringContaining('3 jobs a node would fit, where 2 ran.'), 'run.jobsPerNode: 3'],
    ]);
    expect(said({ slots: 16, usage })).toEqual([]);
  });

  test('more memory, where there was hardly enough', () => {
    expect(said({ slots: 16, usage: [{ peakMemoryMiB: 32_000, seconds: 900 }] })[0]?.[0]).toBe(
      'memory-tight',
    );
  });

  test('fewer nodes, where most of them waited for one long task', () => {
    const durations = [600, ...Array.from({ length: 40 }, () => 20)];
    const [advice] = said({ durations, vcpus: 2, nodes: 8 });
    expect(advice?.[0]).toBe('nodes');
    expect(advice?.[1]).toMatch(
      /^8\d % idle: 1 node would have taken .* longer and used 8\d % fewer node-hours\.$|^8\d % idle: \d nodes? would have been as fast and used \d\d % fewer node-hours\.$/,
    );
  });

  test('the longest tasks first, where a late one kept all waiting', () => {
    const durations = [...Array.from({ length: 80 }, () => 60), 600];
    const [advice] = said({ durations, vcpus: 2 });
    expect(advice).toEqual([
      'order',
      expect.stringMatching(
        /With the longest tasks first the run would have ended 8 min sooner and used \d+ % fewer node-hours\.$/,
      ),
      expect.stringContaining('top of the list'),
    ]);
  });

  test('more at once, where the slots were busy and the processors were not', () => {
    const [advice] = said({ slots: 16, usage: [{ cpuSeconds: 2000, seconds: 1000, peakMemoryMiB: 1000 }] });
    expect(advice?.[1]).toMatch(
      /^2\.0 of 16 vCPUs at work on a node, with its slots 96 % busy: tasks wait for something else, and 64 at once would keep the processors at work\. The run would have ended .* sooner/,
    );
    // What a task takes was not measured: more of them might not fit.
    expect(said({ slots: 16, usage: [{ cpuSeconds: 2000, seconds: 1000 }] })).toEqual([]);
    expect(said({ slots: 16, usage: [{ cpuSeconds: 14_000, seconds: 1000 }] })).toEqual([]);
  });

  test.each([0, 5, 29.9])('nothing of processors, of nodes that were measured for %d s', (seconds) => {
    const usage = [{ cpuSeconds: 0.1 * seconds, seconds }];
    expect(said({ slots: 16, usage })).toEqual([]);
    // What one node measured long enough stands for all.
    const [advice] = said({
      slots: 16,
      usage: [...usage, { cpuSeconds: 60, seconds: 30, peakMemoryMiB: 100 }],
    });
    expect(advice?.[1]).toMatch(/^2\.0 of 16 vCPUs at work/);
  });

  test.each([
    ['memory that was not measured', [{ seconds: 900 }, { peakMemoryMiB: 0, seconds: 900 }]],
    ['the least, where the most filled it', [{ peakMemoryMiB: 100 }, { peakMemoryMiB: 16_000 }]],
  ])('nothing of memory, from %s', (_words, usage) => {
    const node = usage.map((one) => ({ ...one, seconds: 900 }));
    expect(
      said({ slots: 4, memoryMiB: 17_000, usage: node }).filter(([topic]) => topic === 'memory'),
    ).toEqual([]);
  });

  test('no more jobs a node than its processors have threads for', () => {
    const usage = [{ peakMemoryMiB: 100, seconds: 900 }];
    expect(said({ threadsPerTask: 4, usage })[0]?.[2]).toBe('run.jobsPerNode: 4');
    expect(said({ threadsPerTask: 8, usage })).toEqual([]);
  });

  test('of a processor that is idle, no more at once than memory holds and four for each', () => {
    const usage = (peakMemoryMiB: number) => [{ cpuSeconds: 20, seconds: 1000, peakMemoryMiB }];
    const change = (peak: number) => said({ slots: 16, usage: usage(peak) })[0]?.[2];
    expect(change(1024)).toBe('run.jobsPerNode: 64');
    expect(change(16_384)).toBe('run.jobsPerNode: 28');
    expect(change(31_000)).toBeUndefined();
    // Slots that are idle themselves say nothing of processors.
    const durations = [600, ...Array.from({ length: 40 }, () => 20)];
    expect(said({ slots: 16, durations, usage: usage(1024) }).some(([topic]) => topic === 'cpu')).toBe(false);
  });

  test('the whole of an instance, which is paid whole', () => {
    expect(said({ vcpus: 10, slots: 10, instanceType: 'c6i.4xlarge' })[0]?.[1]).toContain(
      '10 of the 16 vCPUs of its c6i.4xlarge',
    );
    expect(said({ vcpus: 16, slots: 16, instanceType: 'c6i.4xlarge' })).toEqual([]);
    expect(said({ vcpus: 10, slots: 10, instanceType: 'p4d.metal' })).toEqual([]);
  });

  test('is never longer than what it says, and never costs more', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 2, maxLength: 80 }),
        fc.integer({ min: 2, max: 12 }),
        (durations, nodes) => {
          for (const { topic, change } of rightSizing(run({ durations, nodes }))) {
            if (topic === 'order') {
              const sooner = makespan(
                [...durations].sort((a, b) => b - a),
                nodes * 2,
              );
              expect(sooner).toBeLessThanOrEqual(0.85 * makespan(durations, nodes * 2));
            }
            if (topic !== 'nodes') continue;
            const many = Number(/\d+/.exec(change)?.[0]);
            expect(many).toBeLessThan(nodes);
            const [now, then] = [nodes, many].map((one) => makespan(durations, one * 2));
            expect((then ?? 0) + 60).toBeLessThanOrEqual(1.5 * ((now ?? 0) + 60) + 1e-6);
            // Nodes are paid a minute longer than their tasks take.
            expect(many * ((then ?? 0) + 60)).toBeLessThanOrEqual(0.85 * nodes * ((now ?? 0) + 60) + 1e-6);
          }
        },
      ),
    );
  });
});
