import { readFileSync } from 'node:fs';
import type { RunnerConfig } from './environment.ts';

/**
 * Highest memory of this container so far, in MiB, from its cgroup (version 2 or 1); undefined where there is none, and on
 * the local system, whose nodes share the machine's.
 */
export function peakMemoryMiB({ inContainer }: Pick<RunnerConfig, 'inContainer'>): number | undefined {
  if (!inContainer) return undefined;
  for (const file of ['/sys/fs/cgroup/memory.peak', '/sys/fs/cgroup/memory/memory.max_usage_in_bytes']) {
    try {
      const bytes = Number(readFileSync(file, 'utf8'));
      if (Number.isFinite(bytes)) return Math.ceil(bytes / 1024 / 1024);
    } catch {
      // not this version of cgroups
    }
  }
  return undefined;
}
