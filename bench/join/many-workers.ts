import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { HostReport } from './host.ts';

export interface ManyWorkers {
  workers: number;
  /** From the start of the workers' process to node 0's having all of them. */
  seconds: number;
  /** The most memory that node 0's process held. */
  peakMiB: number;
}

const HOST = fileURLToPath(new URL('host.ts', import.meta.url));
const WORKERS = fileURLToPath(new URL('simulated-workers.ts', import.meta.url));

/** So many simulated workers join a real node 0 over loopback at once. @throws Error when one of the processes fails */
export async function manyWorkers(workers: number): Promise<ManyWorkers> {
  const host = spawn(process.execPath, [HOST, String(workers)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: host.stdout })[Symbol.asyncIterator]();
  try {
    const where = await lines.next();
    if (where.done === true) throw new Error('node 0 did not open its join port');
    const beginAt = Date.now();
    const crowd = spawn(process.execPath, [WORKERS, String(workers), where.value], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    try {
      const told = await lines.next();
      if (told.done === true) throw new Error('not every worker could join');
      const { allAt, peakMiB }: HostReport = JSON.parse(told.value);
      return { workers, seconds: (allAt - beginAt) / 1000, peakMiB };
    } finally {
      crowd.kill('SIGKILL');
    }
  } finally {
    const ended = host.exitCode === null ? once(host, 'exit') : undefined;
    host.stdin.end();
    await ended;
  }
}
