import { vcpusOf } from '../deployment/instance-vcpus.ts';
import { vcpusAtWork } from '../figures/vcpus-at-work.ts';
import { counted, percent, spoken } from '../text/numbers.ts';
import { makespan } from './makespan.ts';

/** What a run measured of itself. Times in seconds, sizes in MiB. */
export interface Measured {
  nodes: number;
  /** Tasks at once on each node. */
  slots: number;
  vcpus: number;
  memoryMiB: number;
  threadsPerTask: number;
  instanceType?: string | undefined;
  /** In the order of the tasks; of the last attempt's tries. */
  durations: ArrayLike<number>;
  /** From the first task's start to the last one's end. */
  runSeconds: number | null;
  /** One attempt of all tasks, all its nodes there from the start to the end, no task cut off: only such a run tells of the next. */
  isWhole: boolean;
  /** Tasks that fit in a node's memory at most, where some ran out of it: nothing is said of other sizes then. */
  fit?: number | undefined;
  /** Busy share of the slots' time, 0 to 1. */
  utilisation: number | null;
  /** All nodes, from start to exit. */
  nodeHours: number;
  /** Of the nodes that told it. */
  usage: readonly {
    peakMemoryMiB?: number | undefined;
    cpuSeconds?: number | undefined;
    seconds: number | undefined;
    /** Tasks that ran at once there, at most. */
    atOnce: number;
  }[];
}

/** Advice: what was measured and what would have been better, in a sentence, and what to write in the manifest. */
export interface Advice {
  topic: 'memory' | 'memory-tight' | 'nodes' | 'order' | 'cpu' | 'instance';
  sentence: string;
  change: string;
}

/** Under this busy share it is worth asking whether fewer nodes would do. */
const IDLE = 0.25;
/** How much longer a run may become for fewer nodes to be called better, and what they must save. */
const LONGER = 1.5;
const SAVED = 0.15;
/** Memory that is left to what is not a task. */
const MEMORY_USABLE = 0.9;
/** Of memory, in use at the most: above it other tasks side by side may need more than there is. */
const ROOMY = 0.8;
/** Of a node that was there for less, CPU time is mostly that of its start. */
const SHORT = 30;
/** Runs of this many tasks keep their slots busy: to think each number of nodes through would only cost time. */
const MAX_TASKS = 200_000;

/**
 * What the next run like this one should ask for, from what this one measured. A node has an instance to itself, so what
 * is priced is instances and their time: fewer vCPUs or less memory on the same instance save nothing. Nothing is said of
 * what was not measured.
 */
export function rightSizing(run: Measured): Advice[] {
  if (run.fit !== undefined) return [adviseMoreMemory(run.fit)];
  if (!run.isWhole || !isLikeItsTasks(run))
    return [adviseInstance(run)].filter((advice) => advice !== undefined);
  return [
    hasRoom(run) ? (adviseOrder(run) ?? adviseNodes(run)) : undefined,
    adviseMemory(run) ?? adviseCpu(run),
    adviseInstance(run),
  ].filter((advice) => advice !== undefined);
}

function adviseMoreMemory(fit: number): Advice {
  return {
    topic: 'memory-tight',
    sentence: `Tasks ran out of memory: ${fit === 0 ? 'one alone needs more than a node has' : `no more than ${fit} fit side by side on a node`}.`,
    change: fit === 0 ? 'raise cluster.memory' : `run.jobsPerNode: ${fit}`,
  };
}

/** How much a run may differ from its tasks one after another on its slots, for these to tell anything of another. */
const LIKE = 0.15;

function isLikeItsTasks({ durations, nodes, slots, runSeconds }: Measured): boolean {
  if (runSeconds === null || durations.length === 0 || durations.length > MAX_TASKS) return true;
  const ideal = makespan(iterate(durations), nodes * slots);
  return Math.abs(runSeconds - ideal) <= LIKE * Math.max(runSeconds, ideal);
}

/** Whether tasks may meet in another way than they did. */
function hasRoom({ usage, memoryMiB }: Measured): boolean {
  return (highest(usage.map(({ peakMemoryMiB }) => peakMemoryMiB)) ?? 0) <= ROOMY * memoryMiB;
}

/** MiB that a task takes at most, from nodes with at least half of their slots at work at once; undefined where none tells. */
function memoryOfTask({ slots, usage }: Measured): number | undefined {
  return highest(
    usage.map(({ peakMemoryMiB, atOnce }) =>
      peakMemoryMiB === undefined || peakMemoryMiB === 0 || atOnce < slots / 2
        ? undefined
        : peakMemoryMiB / atOnce,
    ),
  );
}

/** Whether so many tasks at once on a node have been seen, or fit by what one takes. */
function fitsMemory(run: Measured, atOnce: number): boolean {
  const { usage, memoryMiB } = run;
  if ((highest(usage.map((node) => node.atOnce)) ?? 0) >= atOnce) return true;
  const peak = highest(
    usage.map(({ peakMemoryMiB, atOnce: now }) =>
      peakMemoryMiB === undefined || now === 0 ? undefined : peakMemoryMiB / now,
    ),
  );
  return peak !== undefined && atOnce * peak <= MEMORY_USABLE * memoryMiB;
}

/** What the run would have taken with so many tasks at once on a node. */
function withSlots(run: Measured, fit: number): string {
  const { nodes, slots, durations, runSeconds } = run;
  if (runSeconds === null || durations.length === 0 || durations.length > MAX_TASKS) return '';
  const sooner = makespan(iterate(durations), nodes * slots) - makespan(iterate(durations), nodes * fit);
  return sooner > 0 ? ` The run would have ended ${soonerAndCheaper(run, sooner)}.` : '';
}

/** All nodes are paid until the last task has ended. */
function soonerAndCheaper({ nodes, nodeHours }: Measured, sooner: number): string {
  const whole = (nodeHours * 3600) / nodes;
  return `${spoken(sooner)} sooner${whole > sooner ? ` and used ${share(sooner / whole)}` : ''}`;
}

function adviseNodes(run: Measured): Advice | undefined {
  const { nodes, slots, durations, runSeconds, utilisation, nodeHours } = run;
  if (utilisation === null || runSeconds === null || 1 - utilisation < IDLE) return undefined;
  if (nodes < 2 || durations.length === 0 || durations.length > MAX_TASKS) return undefined;
  const now = makespan(iterate(durations), nodes * slots);
  if (!(now > 0)) return undefined;
  // What the run took besides its tasks, it takes with fewer nodes as well.
  const around = Math.max(0, (nodeHours * 3600) / nodes - runSeconds);
  const cost = (many: number, span: number) => many * (around + span);
  let best: { many: number; span: number } | undefined;
  for (const many of candidates(nodes)) {
    const span = makespan(iterate(durations), many * slots);
    if (around + span > LONGER * (around + now)) continue;
    if (!fitsMemory(run, Math.min(slots, Math.ceil(durations.length / many)))) continue;
    if (best === undefined || cost(many, span) < cost(best.many, best.span)) best = { many, span };
  }
  if (best === undefined) return undefined;
  const saved = 1 - cost(best.many, best.span) / cost(nodes, now);
  if (saved < SAVED) return undefined;
  const longer = best.span - now < 0.02 * now ? 'been as fast' : `taken ${spoken(best.span - now)} longer`;
  return {
    topic: 'nodes',
    sentence: `${percent(1 - utilisation)} idle: ${counted(best.many, 'node')} would have ${longer} and used ${share(saved)}.`,
    change: `cluster.nodes: ${best.many}`,
  };
}

/** Every smaller number, or of many nodes some twenty of them. */
function candidates(nodes: number): number[] {
  const step = Math.max(1, Math.floor(nodes / 20));
  const all: number[] = [];
  for (let many = nodes - 1; many >= 1; many -= step) all.push(many);
  return all;
}

/** A long task that starts late keeps every node waiting: the longest first costs nothing. */
function adviseOrder(run: Measured): Advice | undefined {
  const { nodes, slots, durations, runSeconds, utilisation } = run;
  if (utilisation === null || runSeconds === null || 1 - utilisation < IDLE) return undefined;
  if (durations.length < 2 || durations.length > MAX_TASKS) return undefined;
  const now = makespan(iterate(durations), nodes * slots);
  if (!(now > 0)) return undefined;
  const sorted = Float64Array.from(durations).sort().reverse();
  const sooner = now - makespan(sorted, nodes * slots);
  if (sooner < SAVED * now) return undefined;
  return {
    topic: 'order',
    sentence: `${percent(1 - utilisation)} idle: the others waited for long tasks that started late. With the longest tasks first the run would have ended ${soonerAndCheaper(run, sooner)}.`,
    change: 'put what takes longest at the top of the list of commands or of the matrix',
  };
}

function adviseMemory(run: Measured): Advice | undefined {
  const { slots, vcpus, memoryMiB, threadsPerTask, usage } = run;
  const peak = highest(usage.map(({ peakMemoryMiB }) => peakMemoryMiB));
  if (peak === undefined || peak === 0) return undefined;
  const found = `Peak memory ${gib(peak)} of ${gib(memoryMiB)}`;
  if (peak > 0.95 * memoryMiB) {
    return {
      topic: 'memory-tight',
      sentence: `${found}: a little more, and tasks would have been killed.`,
      change: 'raise cluster.memory, or lower run.jobsPerNode',
    };
  }
  const task = memoryOfTask(run);
  if (task === undefined) return undefined;
  const byMemory = Math.floor((MEMORY_USABLE * memoryMiB) / task);
  const byCpu = Math.floor(vcpus / threadsPerTask);
  const fit = Math.min(byMemory, byCpu);
  if (fit <= slots) return undefined;
  return {
    topic: 'memory',
    sentence: `${found}: ${counted(fit, 'job')} a node would fit, where ${slots} ran.${withSlots(run, fit)}`,
    change: `run.jobsPerNode: ${fit}`,
  };
}

/** Slots that are busy and a processor that is not: tasks that wait, for storage most often. */
function adviseCpu(run: Measured): Advice | undefined {
  const { slots, vcpus, memoryMiB, utilisation, usage } = run;
  const used = usage.flatMap(({ cpuSeconds, seconds }) =>
    seconds === undefined || seconds < SHORT ? [] : (vcpusAtWork(cpuSeconds, seconds) ?? []),
  );
  if (used.length === 0 || utilisation === null || utilisation < 0.5) return undefined;
  const cores = used.reduce((sum, one) => sum + one, 0) / used.length;
  if (cores > vcpus / 2) return undefined;
  const task = memoryOfTask(run);
  // What was not measured must not be filled up.
  if (task === undefined) return undefined;
  const byMemory = Math.floor((MEMORY_USABLE * memoryMiB) / task);
  const fit = Math.min(
    byMemory,
    Math.floor((0.9 * vcpus * slots * utilisation) / Math.max(0.01, cores)),
    4 * vcpus,
  );
  const found = `${cores < 10 ? cores.toFixed(1) : Math.round(cores)} of ${counted(vcpus, 'vCPU')} at work on a node, with its slots ${percent(utilisation)} busy`;
  if (fit <= slots) return undefined;
  return {
    topic: 'cpu',
    sentence: `${found}: tasks wait for something else, and ${fit} at once would keep the processors at work.${withSlots(run, fit)}`,
    change: `run.jobsPerNode: ${fit}`,
  };
}

/** An instance is paid as a whole, whatever part of it the node asked for. */
function adviseInstance({ vcpus, instanceType, threadsPerTask }: Measured): Advice | undefined {
  const whole = vcpusOf(instanceType ?? '');
  if (instanceType === undefined || whole === undefined || vcpus + threadsPerTask > whole) return undefined;
  return {
    topic: 'instance',
    sentence: `A node had ${vcpus} of the ${whole} vCPUs of its ${instanceType} and paid for all: ${whole} would have cost the same.`,
    change: `cluster.vcpus: ${whole}`,
  };
}

function* iterate(durations: ArrayLike<number>): Generator<number> {
  for (let at = 0; at < durations.length; at += 1) yield durations[at] ?? 0;
}

function highest(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((most, one) => (one === undefined ? most : Math.max(most ?? one, one)), undefined);
}

/** Not what it would have cost: on one machine a run costs nothing. */
function share(saved: number): string {
  if (saved > 0.45 && saved < 0.55) return 'half of the node-hours';
  return `${percent(saved)} fewer node-hours`;
}

function gib(mebibytes: number): string {
  const size = mebibytes / 1024;
  return size < 1 ? `${Math.round(mebibytes)} MiB` : `${Number(size.toFixed(1))} GiB`;
}
