import { readdir, readFile } from 'node:fs/promises';
import { NODE_MARKER } from '../../container/process/environment.ts';
import { realClock } from '../clock/real.ts';

/** Marks the runner's own processes of a node; what it starts over ssh carries {@link NODE_MARKER}. */
export const LOCAL_NODE_MARKER = 'SIERRA_BATCH_LOCAL_NODE';

interface Seen {
  pid: number;
  parent: number;
  session: number;
  marked: boolean;
}

/**
 * Every living process of a node (`<job id>-<attempt>-<index>`): those whose environment says so, those in a session of
 * one, and all they started. sshd writes its title over its environment, so the marker alone would miss it.
 * @param sessions sessions that are known to be the node's; those found are added
 */
async function nodeProcesses(node: string, sessions: Set<number> = new Set()): Promise<number[]> {
  const wanted = [`${NODE_MARKER}=${node}`, `${LOCAL_NODE_MARKER}=${node}`];
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const seen = (await Promise.all(names.map((name) => look(Number(name), wanted)))).filter(
    (each) => each !== undefined,
  );
  for (const { marked, session } of seen) if (marked) sessions.add(session);
  const found = new Set(
    seen.filter(({ marked, session }) => marked || sessions.has(session)).map(({ pid }) => pid),
  );
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of seen) if (found.has(parent)) found.add(pid);
  }
  found.delete(process.pid);
  return [...found];
}

/** What the loss of a host does: everything in it is gone at once, and nobody is told. */
export async function killNode(node: string): Promise<void> {
  const sessions = new Set<number>();
  for (let round = 0; round < 100; round += 1) {
    const pids = await nodeProcesses(node, sessions);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Ended meanwhile.
      }
    }
    await realClock.sleep(20);
  }
  throw new Error(`processes of the node ${node} cannot be killed`);
}

async function look(pid: number, markers: readonly string[]): Promise<Seen | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The name before the fields may hold anything, closing brackets too.
    const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return undefined;
    const environment = (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).split('\0');
    return {
      pid,
      parent: Number(parent),
      session: Number(session),
      marked: markers.some((marker) => environment.includes(marker)),
    };
  } catch {
    return undefined; // Ended meanwhile.
  }
}
