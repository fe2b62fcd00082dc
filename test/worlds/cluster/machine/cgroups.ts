import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numbers } from './processes.ts';

const ROOT = '/sys/fs/cgroup';

/** What this machine lets us limit processes with. */
export type CgroupKind = { version: 1 | 2 } | { version: 0; why: string };

/** The cgroups of one machine of a cluster: its memory, its number of processes, and the brake. */
export class Cgroup {
  readonly #version: 0 | 1 | 2;
  /** Everything of the machine runs in all of them. One folder in version 2, three in version 1. */
  readonly folders: readonly string[];

  constructor(version: 0 | 1 | 2, folders: readonly string[]) {
    this.#version = version;
    this.folders = folders;
    for (const folder of folders) mkdirSync(folder, { recursive: true });
  }

  /** The folder that tells memory, where there is one. */
  get memoryFolder(): string | undefined {
    return this.folders.find((folder) => this.#version === 2 || folder.startsWith(`${ROOT}/memory/`));
  }

  limit(memoryMiB: number, processes: number): void {
    const bytes = String(memoryMiB * 1024 * 1024);
    const [memory, pids] =
      this.#version === 2 ? ['memory.max', 'pids.max'] : ['memory.limit_in_bytes', 'pids.max'];
    for (const folder of this.folders) {
      if (existsSync(join(folder, memory))) writeFileSync(join(folder, memory), bytes);
      if (existsSync(join(folder, pids))) writeFileSync(join(folder, pids), String(processes));
    }
  }

  /** How often the kernel has killed a process of this machine for memory. */
  memoryKills(): number {
    const file = this.#version === 2 ? 'memory.events' : 'memory.oom_control';
    if (this.memoryFolder === undefined) return 0;
    const text = readFileSync(join(this.memoryFolder, file), 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  processes(): number[] {
    return processesIn(this.folders);
  }

  /** Stops every process at once, as a host that hangs; false where there are no cgroups for it. */
  freeze(on: boolean): boolean {
    return freeze(this.folders, on);
  }
}

/** Which cgroups can be used, tried by making one. */
export function cgroupKind(): CgroupKind {
  const probe = `sierra-batch-probe-${process.pid}`;
  try {
    if (existsSync(join(ROOT, 'cgroup.controllers'))) {
      const folder = join(ROOT, probe);
      enable(ROOT);
      mkdirSync(folder);
      const usable = existsSync(join(folder, 'memory.max')) && existsSync(join(folder, 'pids.max'));
      rmdirSync(folder);
      return usable ? { version: 2 } : { version: 0, why: 'no memory and pids controllers in cgroup v2' };
    }
    for (const controller of V1) {
      mkdirSync(join(ROOT, controller, probe));
      rmdirSync(join(ROOT, controller, probe));
    }
    return { version: 1 };
  } catch (error) {
    return { version: 0, why: error instanceof Error ? error.message : String(error) };
  }
}

const V1 = ['memory', 'pids', 'freezer'];

/** The folders above all machines of a cluster. */
export function clusterGroups({ version }: CgroupKind, id: string): string[] {
  if (version === 0) return [];
  const name = `sierra-batch-${id}`;
  return version === 2 ? [join(ROOT, name)] : V1.map((controller) => join(ROOT, controller, name));
}

/** Makes a cluster's folders; in version 2 the machines below need the controllers passed down. */
export function makeClusterGroups({ version }: CgroupKind, groups: readonly string[]): void {
  for (const group of groups) {
    mkdirSync(group, { recursive: true });
    if (version === 2) enable(group);
  }
}

function enable(folder: string): void {
  writeFileSync(join(folder, 'cgroup.subtree_control'), '+memory +pids');
}

/** Every process in these folders and those below. */
export function processesIn(folders: readonly string[]): number[] {
  const found = folders.flatMap((folder) => [
    ...numbers(textOf(join(folder, 'cgroup.procs'))),
    ...below(folder).flatMap((child) => numbers(textOf(join(child, 'cgroup.procs')))),
  ]);
  return [...new Set(found)];
}

/** In version 1 not even SIGKILL reaches a frozen process until it is thawed. */
export function freeze(folders: readonly string[], on: boolean): boolean {
  let done = false;
  for (const folder of folders.flatMap((top) => [...below(top), top])) {
    for (const [file, value] of [
      ['freezer.state', on ? 'FROZEN' : 'THAWED'],
      ['cgroup.freeze', on ? '1' : '0'],
    ] as const) {
      if (!existsSync(join(folder, file))) continue;
      writeFileSync(join(folder, file), value);
      done = true;
    }
  }
  return done;
}

/** Removes the folders once nothing runs in them. @throws the system's error while something does */
export function removeGroups(folders: readonly string[]): void {
  for (const folder of folders.flatMap((top) => [...below(top), top])) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (existsSync(folder)) throw error;
    }
  }
}

function below(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // Removed meanwhile, or not there yet.
  }
}

/** The folder of one machine under each of its cluster's. */
export function machineFolders(groups: readonly string[], machine: string): string[] {
  return groups.map((group) => join(group, machine));
}
