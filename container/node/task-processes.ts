import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '../../experiment/util/clock.ts';
import { NODE_MARKER } from '../process/environment.ts';

/** One process as `/proc` shows it. */
interface SeenProcess {
  pid: number;
  parent: number;
  zombie: boolean;
  marked: boolean;
}

/**
 * Every process that belongs to this node's tasks, to stop, continue or end it. Sessions of sshd and tasks lie in
 * process groups of their own and may start daemons, so no group and no parent is enough: a process counts when it
 * carries this node's marker in its environment, or descends from one that does or from this node's sshd.
 */
export class TaskProcesses {
  readonly #marker: string;
  readonly #sshd: () => number | undefined;
  readonly #clock: Clock;

  constructor(marker: string, sshd: () => number | undefined, clock: Clock) {
    this.#marker = marker;
    this.#sshd = sshd;
    this.#clock = clock;
  }

  /** The tasks' own processes (and the GNU parallel over them), without sshd's sessions. */
  tasks(): number[] {
    return descend(seeProcesses(this.#marker), (seen) => seen.marked);
  }

  /** Those and sshd's sessions; not the listener. */
  all(): number[] {
    const listener = this.#sshd();
    return descend(seeProcesses(this.#marker), (seen) => seen.marked || seen.parent === listener);
  }

  /** SIGSTOP or SIGCONT to every task, again until no new one turns up (a fork crosses a signal). */
  signalTasks(signal: 'SIGSTOP' | 'SIGCONT'): number {
    const done = new Set<number>();
    for (let round = 0; round < 10; round++) {
      const fresh = this.tasks().filter((pid) => !done.has(pid));
      if (fresh.length === 0) break;
      for (const pid of fresh) {
        done.add(pid);
        send(pid, signal);
      }
    }
    return done.size;
  }

  /** KILL at once, to what is stopped as well: it must not run on for a moment. */
  kill(): void {
    for (const pid of this.all()) send(pid, 'SIGKILL');
  }

  /** TERM, and KILL for what is left after `graceMs`. Answers how many would not die within 5 s more (should be 0). */
  async end(graceMs: number): Promise<number> {
    const first = this.all();
    for (const pid of first) send(pid, 'SIGTERM');
    for (const pid of first) send(pid, 'SIGCONT'); // a stopped process takes TERM only once it goes on
    const graceEnds = this.#clock.now() + graceMs;
    const deadline = graceEnds + 5000;
    for (;;) {
      const left = this.all();
      if (left.length === 0) return 0;
      const now = this.#clock.now();
      if (now >= deadline) return left.length;
      if (now >= graceEnds) for (const pid of left) send(pid, 'SIGKILL');
      await this.#clock.sleep(50);
    }
  }
}

/** Those that match and all below them, without zombies, this process, and what this process descends from. */
function descend(seen: readonly SeenProcess[], belongs: (process: SeenProcess) => boolean): number[] {
  const children = Map.groupBy(seen, (process) => process.parent);
  const parents = new Map(seen.map((process) => [process.pid, process.parent]));
  const spared = new Set<number>();
  for (
    let pid: number | undefined = process.pid;
    pid !== undefined && !spared.has(pid);
    pid = parents.get(pid)
  )
    spared.add(pid);
  const found = new Map<number, SeenProcess>();
  const queue = seen.filter((process) => belongs(process) && !spared.has(process.pid));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next.pid) || spared.has(next.pid)) continue;
    found.set(next.pid, next);
    queue.push(...(children.get(next.pid) ?? []));
  }
  return [...found.values()].filter((process) => !process.zombie).map((process) => process.pid);
}

function seeProcesses(marker: string): SeenProcess[] {
  const wanted = Buffer.from(`${NODE_MARKER}=${marker}\0`);
  const seen: SeenProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const process = see(name, wanted);
    if (process !== undefined) seen.push(process);
  }
  return seen;
}

function see(pid: string, wanted: Buffer): SeenProcess | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // it ended meanwhile
  }
  // The command's name stands in parentheses and may hold any of them: what follows the last one is fields.
  const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid: Number(pid),
    parent: Number(parent),
    zombie: state === 'Z' || state === 'X',
    marked: isMarked(pid, wanted),
  };
}

function isMarked(pid: string, wanted: Buffer): boolean {
  try {
    const environ = readFileSync(`/proc/${pid}/environ`);
    const at = environ.indexOf(wanted);
    return at === 0 || (at > 0 && environ[at - 1] === 0);
  } catch {
    return false; // another user's, or it ended meanwhile
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}
