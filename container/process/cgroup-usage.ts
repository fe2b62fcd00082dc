import { readFileSync } from 'node:fs';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import { defined } from '../../experiment/util/defined.ts';
import type { RunnerConfig } from './environment.ts';

/** What a node has used so far: its highest memory, and its CPU time since its container began. */
export type NodeUsage = Pick<NodeRecord, 'peakMemoryMiB' | 'cpuSeconds'>;

/** The container's own cgroup, as it sees it: version 2, or else version 1. */
const MEMORY = ['memory.peak', 'memory/memory.max_usage_in_bytes'];
const CPU = ['cpu.stat', 'cpu,cpuacct/cpuacct.usage', 'cpuacct/cpuacct.usage'];

/**
 * What this container has used, from its cgroup. Nothing where there is none, and nothing on the local system, whose nodes
 * share the machine's.
 */
export function ownUsage(
  { inContainer }: Pick<RunnerConfig, 'inContainer'>,
  root = '/sys/fs/cgroup',
): NodeUsage {
  if (!inContainer) return {};
  const bytes = Number(firstOf(root, MEMORY) ?? Number.NaN);
  const cpuSeconds = cpuSecondsOf(firstOf(root, CPU) ?? '');
  return {
    ...(Number.isFinite(bytes) ? { peakMemoryMiB: Math.ceil(bytes / 1024 / 1024) } : {}),
    ...(Number.isFinite(cpuSeconds) ? { cpuSeconds: Math.round(cpuSeconds * 10) / 10 } : {}),
  };
}

/** What a message tells of it, and no more. */
export function usageOf({
  peakMemoryMiB,
  cpuSeconds,
}: {
  peakMemoryMiB?: number | undefined;
  cpuSeconds?: number | undefined;
}): NodeUsage {
  return {
    ...defined({ peakMemoryMiB, cpuSeconds }),
  };
}

/** `usage_usec 123` among other lines in version 2; nanoseconds alone in version 1. */
function cpuSecondsOf(text: string): number {
  const microseconds = /^usage_usec (\d+)$/m.exec(text)?.[1];
  if (microseconds !== undefined) return Number(microseconds) / 1e6;
  return /^\d+\s*$/.test(text) ? Number(text) / 1e9 : Number.NaN;
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
