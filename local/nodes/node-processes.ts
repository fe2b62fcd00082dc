import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { NODE_MARKER } from '../../container/environment.ts';

/** Marks the runner's own processes of a node; what it starts over ssh carries {@link NODE_MARKER}. */
export const LOCAL_NODE_MARKER = 'SIERRA_BATCH_LOCAL_NODE';

/** Every living process of a node, by what its environment says: `<job id>-<attempt>-<index>`. */
export async function nodeProcesses(node: string): Promise<number[]> {
  const wanted = [`${NODE_MARKER}=${node}`, `${LOCAL_NODE_MARKER}=${node}`];
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        const environment = (await readFile(`/proc/${name}/environ`, 'latin1')).split('\0');
        return wanted.some((marker) => environment.includes(marker)) ? Number(name) : undefined;
      } catch {
        return undefined; // Ended meanwhile, or of another user.
      }
    }),
  );
  return found.filter((pid) => pid !== undefined);
}

/** What the loss of a host does: everything in it is gone at once, and nobody is told. */
export async function killNode(node: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const pids = await nodeProcesses(node);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Ended meanwhile.
      }
    }
    await delay(20);
  }
  throw new Error(`processes of the node ${node} cannot be killed`);
}
