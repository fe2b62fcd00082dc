import { readFileSync, statfsSync } from 'node:fs';
import { cpus, freemem, tmpdir, totalmem } from 'node:os';
import type { NodeLoad } from '../../experiment/figures/load-series.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import type { RunnerConfig } from './environment.ts';

/** What a node has used so far: its highest memory, and its CPU time since its container began; and how it is loaded now. */
export interface NodeUsage extends Pick<NodeRecord, 'peakMemoryMiB' | 'cpuSeconds'> {
  load?: NodeLoad;
}

/** The container's own cgroup, as it sees it: version 2, or else version 1. */
const PEAK = ['memory.peak', 'memory/memory.max_usage_in_bytes'];
const MEMORY = ['memory.current', 'memory/memory.usage_in_bytes'];
const MEMORY_STAT = ['memory.stat', 'memory/memory.stat'];
const CPU = ['cpu.stat', 'cpu,cpuacct/cpuacct.usage', 'cpuacct/cpuacct.usage'];

/** Looks at what this node uses, again and again: CPU is what it has used since the last look. */
export class UsageMeter {
  readonly #config: Pick<RunnerConfig, 'inContainer'>;
  readonly #has: Pick<Plan['cluster'], 'vcpus' | 'memoryMiB'>;
  readonly #clock: Clock;
  readonly #root: string;
  #last: { at: number; cpuSeconds: number } | undefined;

  /** @param has what the container has; on the local system nodes share the machine, whose load they tell */
  constructor(
    config: Pick<RunnerConfig, 'inContainer'>,
    has: Pick<Plan['cluster'], 'vcpus' | 'memoryMiB'>,
    clock: Clock,
    root = '/sys/fs/cgroup',
  ) {
    this.#config = config;
    this.#has = has;
    this.#clock = clock;
    this.#root = root;
  }

  read(): NodeUsage {
    const shares = { cpu: this.#cpu(), memory: this.#memory(), disk: usedOfDisk() };
    const load = Object.entries(shares).flatMap(([figure, share]) =>
      Number.isFinite(share) ? [[figure, Math.min(1, Math.max(0, share))]] : [],
    );
    return { ...ownUsage(this.#config, this.#root), load: Object.fromEntries(load) };
  }

  #cpu(): number {
    const { inContainer } = this.#config;
    const at = this.#clock.now();
    const cpuSeconds = inContainer ? cgroupSeconds(this.#root) : machineSeconds();
    const last = this.#last;
    this.#last = { at, cpuSeconds };
    if (last === undefined || at <= last.at) return Number.NaN;
    const here = inContainer ? this.#has.vcpus : cpus().length;
    return (cpuSeconds - last.cpuSeconds) / (((at - last.at) / 1000) * here);
  }

  /** Without the files that the kernel caches and would give up. */
  #memory(): number {
    if (!this.#config.inContainer) return 1 - freemem() / totalmem();
    const cached = /^(?:total_)?inactive_file (\d+)$/m.exec(firstOf(this.#root, MEMORY_STAT) ?? '')?.[1] ?? 0;
    const used = Number(firstOf(this.#root, MEMORY) ?? Number.NaN) - Number(cached);
    return used / (this.#has.memoryMiB * 1024 * 1024);
  }
}

/**
 * What this container has used, from its cgroup. Nothing where there is none, and nothing on the local system, whose nodes
 * share the machine's.
 */
export function ownUsage(
  { inContainer }: Pick<RunnerConfig, 'inContainer'>,
  root = '/sys/fs/cgroup',
): NodeUsage {
  if (!inContainer) return {};
  const bytes = Number(firstOf(root, PEAK) ?? Number.NaN);
  const cpuSeconds = cgroupSeconds(root);
  return {
    ...(Number.isFinite(bytes) ? { peakMemoryMiB: Math.ceil(bytes / 1024 / 1024) } : {}),
    ...(Number.isFinite(cpuSeconds) ? { cpuSeconds: Math.round(cpuSeconds * 10) / 10 } : {}),
  };
}

/** `usage_usec 123` among other lines in version 2; nanoseconds alone in version 1. */
function cgroupSeconds(root: string): number {
  const text = firstOf(root, CPU) ?? '';
  const microseconds = /^usage_usec (\d+)$/m.exec(text)?.[1];
  if (microseconds !== undefined) return Number(microseconds) / 1e6;
  return /^\d+\s*$/.test(text) ? Number(text) / 1e9 : Number.NaN;
}

function machineSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
}

/** Of the disk that temporary files are on. */
function usedOfDisk(): number {
  try {
    const { blocks, bavail } = statfsSync(tmpdir());
    return 1 - bavail / blocks;
  } catch {
    return Number.NaN; // a folder that went away is told by who needs it
  }
}

function firstOf(root: string, files: readonly string[]): string | undefined {
  for (const file of files) {
    try {
      return readFileSync(`${root}/${file}`, 'utf8');
    } catch {
      // not this version of cgroups
    }
  }
  return undefined;
}
