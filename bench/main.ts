// How fast commands reach the nodes: this system's two fan-outs beside other tools, on this machine, in one run.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNoStrangeStorage } from '../test/worlds/cluster/faults/strange-storage.ts';
import { manyWorkers } from './join/many-workers.ts';
import { joinTime } from './join/time-on-machines.ts';
import type { BenchNodes } from './nodes.ts';
import { benchNodes } from './nodes.ts';
import type { BenchOptions, Scheme, Workload } from './options.ts';
import { parseOptions, SLOTS, USAGE } from './options.ts';
import { manyOutputs, renderStep } from './outputs/many-outputs.ts';
import type { Row } from './results.ts';
import { ROW_HEADER, renderComparison, renderRow, writeResults } from './results.ts';
import { runScheme } from './schemes.ts';
import { mountSlowStorage } from './slow-storage.ts';
import { idealSeconds, tasksOf } from './workloads.ts';

/** Where there is one, memory stands in for shared storage: how long this machine's disk takes is no scheme's doing. */
const MEMORY = '/dev/shm';

const JOIN_NODES = [4, 16];
/** With node 0 the thousand nodes that a job of AWS Batch may have. */
const JOIN_WORKERS = 999;
const LONG_NODES = 4;
const LONG_TASKS = [10_000, 1_000_000] as const;

const RESULTS = fileURLToPath(new URL('results.json', import.meta.url));

async function main(): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  if (options.outputs !== undefined) {
    for await (const measured of manyOutputs(options.outputs)) console.log(renderStep(measured));
    return 0;
  }
  if (process.env.TMPDIR === undefined && existsSync(MEMORY)) process.env.TMPDIR = MEMORY;
  if (options.join) await measureJoins();
  const nodes = await openNodes(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void nodes.close().then(() => process.exit(130)));
  const rows: Row[] = [];
  try {
    if (options.long) {
      await measureMillion(nodes);
      return 0;
    }
    console.log(ROW_HEADER);
    for (const cell of cellsOf(options)) {
      const row = await measure(nodes, cell, options);
      if (row !== undefined) rows.push(row);
    }
  } finally {
    await nodes.close();
  }
  console.log(`\n${renderComparison(rows)}`);
  writeResults(RESULTS, rows);
  return 0;
}

/** Slow storage is a client of its own on each node, as in a cluster. */
function openNodes({ long, nodes, workloads }: BenchOptions): Promise<BenchNodes> {
  const ownMounts = workloads.includes('slow-storage') && whyNoStrangeStorage() === undefined;
  return benchNodes(long ? LONG_NODES : Math.max(...nodes), ownMounts);
}

interface Cell {
  workload: Workload;
  scheme: Scheme;
  count: number;
}

function cellsOf({ nodes, workloads, schemes }: BenchOptions): Cell[] {
  return nodes.flatMap((count) =>
    workloads.flatMap((workload) => schemes.map((scheme) => ({ workload, scheme, count }))),
  );
}

/** One cell of the table: the median of its repetitions. */
async function measure(
  nodes: BenchNodes,
  { workload, scheme, count }: Cell,
  options: BenchOptions,
): Promise<Row | undefined> {
  const without = workload === 'slow-storage' ? whyNoStrangeStorage() : undefined;
  if (without !== undefined) {
    console.log(`${workload} ${scheme} on ${count}: left out: ${without}`);
    return undefined;
  }
  const tasks = tasksOf(workload, scheme, count * SLOTS, options.tasks);
  const rows: Row[] = [];
  for (let turn = 0; turn < options.repeat; turn += 1) {
    const folder = mkdtempSync(join(nodes.folder, 'run-'));
    const unmount =
      workload === 'slow-storage' ? await mountSlowStorage(folder, nodes.mountedFor(count)) : undefined;
    const commandsFile = join(folder, 'commands.txt');
    writeFileSync(commandsFile, tasks.commands.map((command) => `${command}\n`).join(''));
    const total = tasks.commands.length;
    try {
      const run = { nodes, count, commandsFile, total, folder };
      const { seconds, node0CpuMs } = await runScheme(scheme, run);
      rows.push({
        workload,
        scheme,
        nodes: count,
        slots: SLOTS,
        tasks: total,
        seconds,
        rate: total / seconds,
        node0CpuMs,
      });
    } catch (error) {
      console.log(`${workload} ${scheme} on ${count}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
      return undefined;
    } finally {
      await unmount?.();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const median = rows.toSorted((a, b) => a.seconds - b.seconds)[Math.floor((rows.length - 1) / 2)];
  if (median !== undefined) console.log(renderRow(median, idealSeconds(tasks, count * SLOTS)));
  return median;
}

async function measureJoins(): Promise<void> {
  for (const count of JOIN_NODES) {
    const { kind, seconds } = await joinTime(count);
    console.log(`join, ${count} nodes (${kind}): last sshd up to first task ${seconds.toFixed(2)} s`);
  }
  const { workers, seconds, peakMiB } = await manyWorkers(JOIN_WORKERS);
  console.log(
    `join, ${workers} simulated workers at once: ${seconds.toFixed(2)} s, ${Math.round(peakMiB)} MiB\n`,
  );
}

/** Ten thousand tasks and a million of the pool. Every ten thousand share their folders of results, to spare the disk. */
async function measureMillion(nodes: BenchNodes): Promise<void> {
  for (const total of LONG_TASKS) {
    const folder = mkdtempSync(join(nodes.folder, 'run-'));
    const commandsFile = join(folder, 'commands.txt');
    const some = Array.from({ length: LONG_TASKS[0] }, (_, index) => `true ${index}\n`).join('');
    writeFileSync(commandsFile, some.repeat(total / LONG_TASKS[0]));
    const run = { nodes, count: LONG_NODES, commandsFile, total, folder };
    const { seconds, node0CpuMs, peakMiB = 0 } = await runScheme('pool', run);
    const rate = (total / seconds).toFixed(0);
    const cpu = (node0CpuMs / total).toFixed(3);
    console.log(
      `${total} tasks: ${seconds.toFixed(0)} s, ${rate} a second, ${cpu} ms of CPU a task, ${Math.round(peakMiB)} MiB`,
    );
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = (await main()) || process.exitCode;
