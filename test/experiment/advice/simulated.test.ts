import { expect, it } from 'vitest';
import type { Advice, Measured } from '../../../experiment/advice/right-sizing.ts';
import { rightSizing } from '../../../experiment/advice/right-sizing.ts';
import { SeededRandom } from '../../../local/clock/seeded-random.ts';

interface Task {
  seconds: number;
  memoryMiB: number;
}

interface Sizes {
  nodes: number;
  slots: number;
}

/** A run by list scheduling: when its last task ends, and of each node the memory at the most and the tasks at once. */
function simulated(tasks: readonly Task[], { nodes, slots }: Sizes) {
  const running: (Task & { node: number; end: number })[] = [];
  const use = Array.from({ length: nodes }, () => ({ now: 0, memory: 0, peakMemoryMiB: 0, atOnce: 0 }));
  const free = (node: number) => slots - (use[node]?.now ?? 0);
  let clock = 0;
  const endFirst = () => {
    running.sort((a, b) => a.end - b.end);
    const first = running.shift();
    if (first === undefined) return;
    clock = first.end;
    const node = use[first.node];
    if (node !== undefined) [node.now, node.memory] = [node.now - 1, node.memory - first.memoryMiB];
  };
  for (const task of tasks) {
    while (running.length === nodes * slots) endFirst();
    const index = use.reduce((best, _, at) => (free(at) > free(best) ? at : best), 0);
    const node = use[index];
    if (node === undefined) continue;
    running.push({ ...task, node: index, end: clock + task.seconds });
    [node.now, node.memory] = [node.now + 1, node.memory + task.memoryMiB];
    node.peakMemoryMiB = Math.max(node.peakMemoryMiB, node.memory);
    node.atOnce = Math.max(node.atOnce, node.now);
  }
  while (running.length > 0) endFirst();
  return { seconds: clock, use };
}

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, min: 60, h: 3600, d: 86_400 };

/** Of `1 min 5 s`. */
function secondsOf(spoken: string): number {
  return [...spoken.matchAll(/([\d.]+) (ms|s|min|h|d)\b/g)].reduce(
    (sum, [, many, unit = '']) => sum + Number(many) * (UNITS[unit] ?? Number.NaN),
    0,
  );
}

const AROUND = 60;

function drawn(random: SeededRandom): {
  tasks: Task[];
  sizes: Sizes;
  measured: Measured;
  now: number;
  peak: number;
} {
  const between = (low: number, high: number) => low + (high - low) * random.next();
  const sizes = { nodes: Math.floor(between(1, 9)), slots: Math.floor(between(1, 9)) };
  const kind = Math.floor(between(0, 4));
  const each = between(50, 8000);
  const tasks = Array.from({ length: Math.floor(between(2, 150)) }, (): Task => {
    const seconds = [30, between(10, 60), 5 / (1 - random.next()) ** 0.6, random.next() < 0.05 ? 400 : 10][
      kind
    ];
    return { seconds: seconds ?? 1, memoryMiB: each * between(0.5, 1.5) };
  });
  const memoryMiB = sizes.slots * each * between(1.05, 6);
  const { seconds, use } = simulated(tasks, sizes);
  const busy = tasks.reduce((sum, task) => sum + task.seconds, 0);
  const measured: Measured = {
    ...sizes,
    vcpus: Math.max(sizes.slots, Math.floor(between(1, 64))),
    memoryMiB,
    threadsPerTask: 1,
    durations: tasks.map((task) => task.seconds),
    runSeconds: seconds,
    isWhole: true,
    utilisation: busy / (seconds * sizes.nodes * sizes.slots),
    nodeHours: (sizes.nodes * (seconds + AROUND)) / 3600,
    usage: use.map(({ peakMemoryMiB, atOnce }) => ({
      peakMemoryMiB,
      atOnce,
      seconds: seconds + AROUND,
      cpuSeconds: between(0, 1) * seconds,
    })),
  };
  return { tasks, sizes, measured, now: seconds, peak: Math.max(...use.map((node) => node.peakMemoryMiB)) };
}

/** The run as it would be with the advice taken, and the seconds that it is said to take, with what rounding may hide. */
function withAdvice({ topic, sentence, change }: Advice, { tasks, sizes, now }: ReturnType<typeof drawn>) {
  const many = Number(/\d+$/.exec(change)?.[0]);
  const nodes = topic === 'nodes' ? many : sizes.nodes;
  const slots = topic === 'memory' || topic === 'cpu' ? many : sizes.slots;
  const order = topic === 'order' ? tasks.toSorted((a, b) => b.seconds - a.seconds) : tasks;
  const [, sooner = '0 s'] = /ended (.*) sooner/.exec(sentence) ?? [];
  const [, longer = '0 s'] = /taken (.*) longer/.exec(sentence) ?? [];
  const difference = secondsOf(longer) - secondsOf(sooner);
  return {
    ...simulated(order, { nodes, slots }),
    told: now + difference + (Math.abs(difference) >= 600 ? 30 : 0.5),
  };
}

it('what is proposed kills no task and takes no longer than is said, by list scheduling with memory', () => {
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= 3000; seed += 1) {
    const run = drawn(SeededRandom.of(seed, 'advice'));
    // A run in which tasks were killed already is not one that this can judge.
    if (run.peak > run.measured.memoryMiB) continue;
    for (const advice of rightSizing(run.measured)) {
      const about = `seed ${seed}: ${advice.sentence} ${advice.change}`;
      const { use, seconds, told } = withAdvice(advice, run);
      const peak = Math.max(...use.map(({ peakMemoryMiB }) => peakMemoryMiB));
      expect(peak, about).toBeLessThanOrEqual(run.measured.memoryMiB);
      expect(seconds, about).toBeLessThanOrEqual(1.15 * told);
      seen.set(advice.topic, (seen.get(advice.topic) ?? 0) + 1);
    }
  }
  // Each kind of advice was given, and often enough to be judged.
  for (const topic of ['memory', 'nodes', 'order', 'cpu']) expect(seen.get(topic), topic).toBeGreaterThan(50);
});
